#pragma once
// Reads a tar as it passes by and looks at the Dockerfile in it before its last byte is let through, so that the
// builder never gets a whole context whose Dockerfile was not checked (threats 3 and 11). Bounded memory: the
// Dockerfile's text. Understands what `git archive` and GNU tar write: ustar, pax headers, GNU long names (POSIX.1-2017
// pax, tar(5)). Pure.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::pomegranate {

class DockerfileScan {
 public:
  using Check = std::function<Status(std::string_view text)>;
  DockerfileScan(std::string path, Check check);
  // To be called before the piece is passed on; an error means that it must not be.
  Status add(std::string_view piece);
  Status finish();  // before the end of the stream is passed on

 private:
  enum class Purpose { kSkip, kPax, kLongName, kDockerfile };
  Status take_header();
  Status end_entry();
  Status missing() const;
  std::string entry_path() const;

  std::string path_;
  Check check_;
  std::string header_ = {};
  std::string body_ = {};
  std::string long_path_ = {};  // from a pax header or a GNU long name, for the next entry
  std::uint64_t left_ = 0;      // of the entry's content
  std::uint64_t padding_ = 0;
  Purpose purpose_ = Purpose::kSkip;
  bool in_entry_ = false;
  bool seen_ = false;
  bool ended_ = false;
};

}  // namespace paastech::pomegranate
