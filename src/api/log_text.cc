#include "api/log_text.h"

#include <boost/json.hpp>
#include <charconv>

#include "api/text_out.h"
#include "base/clock.h"

namespace paastech::api {
namespace {

void add_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, error == std::errc() ? end : digits);
}

// Needs neither escapes in JSON nor cleaning for a terminal.
bool is_plain(std::string_view text) {
  unsigned other = 0;
  for (const char c : text) other |= static_cast<unsigned>(c < 0x20 || c == 0x7f || c == '"' || c == '\\');
  return other == 0;
}

void add_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out.push_back('"');
    out += text;
    out.push_back('"');
    return;
  }
  out += boost::json::serialize(boost::json::value(boost::json::string(safe_text(text))));
}

}  // namespace

void LogText::json(const logs::LogLine& line, std::string& out) {
  const std::int64_t at_ms = line.at_ns / 1'000'000;
  if (at_ms != at_ms_) {
    at_ms_ = at_ms;
    at_ = rfc3339(at_ms);
  }
  if (source_text_.empty() || source_ != *line.source) {
    source_ = *line.source;
    source_text_ = ",\"process\":";
    add_string(source_text_, source_.process);
    source_text_ += ",\"instance\":";
    add_string(source_text_, source_.instance);
    source_text_ += ",\"deployment\":";
    add_number(source_text_, source_.deployment);
  }
  out += "{\"sequence\":";
  add_number(out, static_cast<std::int64_t>(line.sequence));
  out += ",\"at\":\"";
  out += at_;
  out += '"';
  out += source_text_;
  out += line.error_stream ? ",\"stream\":\"stderr\",\"text\":" : ",\"stream\":\"stdout\",\"text\":";
  add_string(out, line.text);
  out += '}';
}

void LogText::event(const logs::LogLine& line, std::string& out) {
  out += "id: ";
  add_number(out, static_cast<std::int64_t>(line.sequence));
  out += "\nevent: log\ndata: ";
  json(line, out);
  out += "\n\n";
}

}  // namespace paastech::api
