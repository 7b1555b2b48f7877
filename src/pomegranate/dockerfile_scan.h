#pragma once
// Reads a tar as it passes by and looks at the Dockerfile in it before its last byte is let through, so that the
// builder never gets a whole context whose Dockerfile was not checked, by itself (threats 3 and 11) and against the
// files that it ADDs (packed_files.h); takes out of it what
// .dockerignore names, but never the Dockerfile nor that file itself, which the builder takes away after reading.
// Bounded memory: the Dockerfile's text and some paths. Understands what `git archive` and GNU tar write: ustar, pax
// headers, GNU long names (POSIX.1-2017 pax, tar(5)). Pure.
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "build/dockerignore.h"
#include "pomegranate/packed_files.h"

namespace paastech::pomegranate {

class DockerfileScan {
 public:
  using Check = std::function<Status(std::string_view text)>;
  DockerfileScan(std::string path, Check check, build::Dockerignore ignore = {});
  // What is to be passed on for the piece; an error means that nothing more must be.
  Result<std::string> add(std::string piece);
  Status finish();  // before the end of the stream is passed on

 private:
  enum class Purpose { kSkip, kPax, kLongName, kDockerfile };
  enum class Way { kOn, kHeld, kLeftOut };  // where this entry's bytes go
  Status take(std::string_view piece, std::string& out);
  Status take_header(std::string& out);
  Status end_entry();
  Status keep_or_leave(const std::string& path, std::string& out);
  void pass(std::string_view bytes, std::string& out);
  void look_at(const std::string& path, char type);
  Status missing() const;
  std::string entry_path() const;

  std::string path_;
  Check check_;
  build::Dockerignore ignore_;
  std::chrono::steady_clock::duration ignoring_ = {};
  std::string held_ = {};  // headers of an entry that is not decided yet: its long path comes first
  std::string header_ = {};
  std::string body_ = {};
  std::string long_path_ = {};   // from a pax header or a GNU long name, for the next entry
  std::string dockerfile_ = {};  // the last one of that name
  PackedFiles packed_ = {};
  std::string head_ = {};       // of the file that is looked at
  std::string looked_at_ = {};  // its path
  bool looks_ = false;
  std::uint64_t left_ = 0;  // of the entry's content
  std::uint64_t padding_ = 0;
  Purpose purpose_ = Purpose::kSkip;
  Way way_ = Way::kOn;
  bool in_entry_ = false;
  bool seen_ = false;
  bool ended_ = false;
};

}  // namespace paastech::pomegranate
