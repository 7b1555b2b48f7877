#pragma once
// The answer of the Engine's classic builder: JSON messages in, lines for the Client and what else is worth knowing
// out. Everything a RUN prints is in the same stream, so ids found here are only hints that must be verified. Pure.
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "docker/build.h"
#include "docker/lines.h"

namespace paastech::pomegranate {

class BuildOutput {
 public:
  void add(std::string_view piece);
  void finish();  // gives out what has no line's end
  std::vector<std::string> take_lines();
  const std::string& error() const { return error_; }  // empty while nothing failed
  int error_code() const { return error_code_; }
  const std::string& image() const { return image_; }  // empty until built
  // What the builder made and nothing may stand upon: the last layer of each stage that ended. At most kMaxStages.
  const std::vector<std::string>& stage_ends() const { return stage_ends_; }
  const std::string& last_layer() const { return last_layer_; }  // of the stage that has not ended
  static constexpr std::size_t kMaxStages = 64;
  // The last layers that were named, the newest at the end: at most kRecentLayers.
  const std::deque<std::string>& recent_layers() const { return recent_layers_; }
  static constexpr std::size_t kRecentLayers = 256;

 private:
  void message(std::string_view line);
  void line(std::string text);
  docker::LineCutter messages_{4 << 20};
  docker::LineCutter text_{64 << 10};
  std::vector<std::string> lines_ = {};
  std::vector<std::string> stage_ends_ = {};
  std::string error_ = {};
  int error_code_ = 0;
  std::string image_ = {};
  std::string last_layer_ = {};
  std::deque<std::string> recent_layers_ = {};
};

struct BuildFailure {
  std::string reason;
  std::string message;
};
// What a failed build means to its Client. killed_for_memory: the kernel did kill one of its processes.
BuildFailure explain_build_failure(std::string_view error, int code, bool killed_for_memory, std::int64_t memory_limit);
std::string with_hint(const Error& error);  // for a result, which has one text: the message and what to do next
// The TCP port of the image where it EXPOSEs exactly one, else 0.
int single_port(const std::vector<std::string>& exposed);

}  // namespace paastech::pomegranate
