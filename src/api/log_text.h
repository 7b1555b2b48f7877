#pragma once
// Lines of the log store as JSON and as server-sent events, in the form of LogLine of api/openapi.yaml. Made for
// hundreds of thousands a second: it writes straight into the answer, and keeps what the line before had too. Thread:
// one at a time.
#include <string>

#include "logs/log_line.h"

namespace paastech::api {

class LogText {
 public:
  void json(const logs::LogLine& line, std::string& out);
  void event(const logs::LogLine& line, std::string& out);  // `log`, with the sequence as its id

 private:
  std::int64_t at_ms_ = -1;
  std::string at_ = {};  // as text
  logs::LogSource source_ = {};
  std::string source_text_ = {};  // its members
};

}  // namespace paastech::api
