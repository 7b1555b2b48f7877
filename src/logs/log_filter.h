#pragma once
// Which lines a reader wants. Immutable once made; safe between threads.
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "logs/log_line.h"

namespace re2 {
class RE2;
}

namespace paastech::logs {

class LogFilter {
 public:
  // pattern: RE2's, matching anywhere in the text, in time linear in it (threat 26); empty: every line.
  // kInvalidArgument where it is none, or is too large.
  static Result<LogFilter> make(std::int64_t since_ns, std::string process, std::int64_t deployment,
                                const std::string& pattern);
  bool takes(const LogLine& line) const;
  bool takes_all() const { return since_ns_ == 0 && process_.empty() && deployment_ == 0 && !pattern_; }
  std::int64_t since_ns() const { return since_ns_; }  // 0: from the first

 private:
  std::int64_t since_ns_ = 0;
  std::string process_;          // empty: all
  std::int64_t deployment_ = 0;  // 0: all
  std::shared_ptr<const re2::RE2> pattern_;
};

}  // namespace paastech::logs
