#include "logs/log_filter.h"

#include <re2/re2.h>

namespace paastech::logs {
namespace {
constexpr std::int64_t kPatternMemory = 1 << 20;  // bytes that RE2 may take for one pattern and its states
}

Result<LogFilter> LogFilter::make(std::int64_t since_ns, std::string process, std::int64_t deployment,
                                  const std::string& pattern) {
  LogFilter filter;
  filter.since_ns_ = since_ns;
  filter.process_ = std::move(process);
  filter.deployment_ = deployment;
  if (pattern.empty()) return filter;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  const auto made = std::make_shared<const RE2>(pattern, options);
  if (!made->ok())
    return fail(Code::kInvalidArgument, "the pattern cannot be searched for: " + made->error(),
                "it is a regular expression of RE2; a backslash before . * + ? ( ) [ ] { } | takes it as it is");
  filter.pattern_ = made;
  return filter;
}

bool LogFilter::takes(const LogLine& line) const {
  if (line.at_ns < since_ns_) return false;
  if (!process_.empty() && line.source->process != process_) return false;
  if (deployment_ != 0 && line.source->deployment != deployment_) return false;
  return !pattern_ || RE2::PartialMatch(re2::StringPiece(line.text.data(), line.text.size()), *pattern_);
}

}  // namespace paastech::logs
