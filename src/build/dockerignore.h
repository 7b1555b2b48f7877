#pragma once
// What a .dockerignore keeps out of a build's context, by the rules of Docker's own client (docs.docker.com, "Build
// context", .dockerignore files): patterns of Go's filepath.Match and `**`, `!` takes back, the last pattern that fits
// a path or a folder above it decides. The Engine itself does not look at it. Pure; a value may be used by any thread.
#include <memory>
#include <string_view>

#include "base/result.h"

namespace paastech::build {

inline constexpr std::size_t kMaxIgnorePatterns = 1000;
inline constexpr std::size_t kMaxIgnoreBytes = 64 << 10;  // the Engine's builder reads all of it into memory, too

class Dockerignore {
 public:
  Dockerignore();  // keeps nothing out
  ~Dockerignore();
  Dockerignore(Dockerignore&&) noexcept;
  Dockerignore& operator=(Dockerignore&&) noexcept;
  // kInvalidArgument names the line.
  static Result<Dockerignore> parse(std::string_view text);
  bool empty() const { return patterns_ == nullptr; }
  // path: relative to the context, without a slash at its end. kResourceExhausted: the patterns are too much together.
  // Costs the path's length where the automaton has the states at hand, and up to a millisecond a byte where hostile
  // patterns and paths make new ones all the time: the caller bounds both.
  Result<bool> excludes(std::string_view path) const;

 private:
  struct Patterns;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace paastech::build
