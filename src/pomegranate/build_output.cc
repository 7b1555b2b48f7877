#include "pomegranate/build_output.h"

#include <fmt/format.h>
#include <charconv>
#include <utility>

#include "base/human_bytes.h"
#include "base/text.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

namespace {

// What the builder prints after it has made a layer, and before each step.
constexpr std::string_view kLayer = " ---> ";
constexpr std::string_view kStep = "Step ";

bool is_short_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "Step 4/9 : FROM …"
bool begins_stage(std::string_view text) {
  if (!text.starts_with(kStep)) return false;
  const std::size_t colon = text.find(" : ");
  return colon != std::string_view::npos && lower(text.substr(colon + 3, 5)) == "from ";
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

void BuildOutput::add(std::string_view piece) {
  messages_.add(piece);
  while (const std::optional<std::string> next = messages_.next()) message(*next);
}

void BuildOutput::message(std::string_view json) {
  if (json.empty()) return;
  const Result<docker::BuildMessage> parsed = docker::parse_build_message(json);
  if (!parsed) return;
  if (!parsed->status.empty()) line(parsed->status);
  text_.add(parsed->stream);
  while (const std::optional<std::string> next = text_.next()) line(*next);
  if (!parsed->error.empty() && error_.empty()) {
    error_ = parsed->error;
    error_code_ = parsed->error_code;
  }
  if (!parsed->image.empty()) image_ = parsed->image;
}

void BuildOutput::line(std::string text) {
  if (text.starts_with(kLayer) && is_short_id(std::string_view(text).substr(kLayer.size()))) {
    last_layer_ = text.substr(kLayer.size());
    recent_layers_.push_back(last_layer_);
    if (recent_layers_.size() > kRecentLayers) recent_layers_.pop_front();
  } else if (!last_layer_.empty() && begins_stage(text) && stage_ends_.size() < kMaxStages) {
    stage_ends_.push_back(std::exchange(last_layer_, {}));
  }
  lines_.push_back(valid_utf8(text));
}

void BuildOutput::finish() {
  const std::string last_message = messages_.rest();
  message(last_message);
  const std::string rest = text_.rest();
  if (!rest.empty()) line(rest);
}

std::vector<std::string> BuildOutput::take_lines() { return std::exchange(lines_, {}); }

BuildFailure explain_build_failure(std::string_view error, int code, bool killed_for_memory,
                                   std::int64_t memory_limit) {
  const std::string text = valid_utf8(error);
  if (killed_for_memory)
    return {"out_of_memory",
            fmt::format("the build was killed because it ran out of memory (limit {}); make it need less",
                        human_bytes(memory_limit))};
  // The builder looks for its cache among all images of the machine, and stumbles over one that is removed that moment
  // (moby, image/cache: getLocalCachedImage).
  if (has(error, "unable to find image \"sha256:"))
    return {"image_removed", "an image was removed while the builder looked for its cache; push again"};
  if (has(error, "no space left on device") || has(error, "No space left on device"))
    return {"build_failed", "the build ran out of disk space: make the image smaller, or ask the administrator"};
  if (code == 137 || has(error, "returned a non-zero code: 137"))
    return {"build_failed",
            fmt::format("a command of the build was killed (exit code 137), probably for want of memory "
                        "(limit {}): {}",
                        human_bytes(memory_limit), text)};
  if (has(error, "pull access denied") || has(error, "manifest unknown") || has(error, "not found: manifest"))
    return {"build_failed", "a base image cannot be found: check the names after FROM; " + text};
  if (has(error, "dial tcp") || has(error, "request canceled") || has(error, "TLS handshake"))
    return {"build_failed",
            "a base image is not on this machine and its registry cannot be reached; try again later; " + text};
  if (has(error, "dockerfile parse error") || has(error, "unknown instruction") || has(error, "Dockerfile parse error"))
    return {"invalid_dockerfile", "the Dockerfile cannot be read: " + text};
  return {"build_failed", "the build failed: " + text};
}

std::string with_hint(const Error& error) {
  return error.hint.empty() ? error.message : error.message + "; " + error.hint;
}

int single_port(const std::vector<std::string>& exposed) {
  int only = 0;
  for (const std::string& port : exposed) {
    const std::size_t slash = port.find('/');
    if (slash != std::string::npos && port.substr(slash) != "/tcp") continue;
    int value = 0;
    const std::string digits = port.substr(0, slash);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc() || value < 1 || value > 65535) continue;
    if (only != 0) return 0;
    only = value;
  }
  return only;
}

}  // namespace paastech::pomegranate
