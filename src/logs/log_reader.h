#pragma once
// Reading of a Project's lines in pieces of at most some 256 KiB, so that a reader takes little memory and others get
// their turn. Each step blocks for a piece; which thread takes it does not matter, one at a time.
#include <deque>
#include <functional>
#include <memory>

#include "logs/log_filter.h"
#include "logs/project_log.h"

namespace paastech::logs {

// Adds the line, as its reader wants it, to the text.
using LogRender = std::function<void(const LogLine& line, std::string& out)>;

// The newest lines, found from the end backwards; the end is where it stood when this was made.
class TailReader {
 public:
  // At most so many lines, and so many bytes of rendered text, of which one line may be more.
  TailReader(ProjectLog& log, LogFilter filter, LogRender render, std::size_t lines, std::size_t bytes);
  bool step(ProjectLog& log);                                      // false: done
  const std::deque<std::string>& lines() const { return lines_; }  // oldest first
  LogPosition end() const { return end_; }                         // what comes later goes on from here

 private:
  bool take(std::vector<std::string> found);
  LogFilter filter_;
  LogRender render_;
  std::size_t wanted_;
  std::size_t room_;
  std::deque<std::string> lines_;
  LogPosition end_;
  LogPosition at_;
};

// What comes after a position. Holds no store, for it may wait for long; between steps it costs its own size.
class LogFollower {
 public:
  struct Piece {
    std::string text;          // rendered; may be empty where the filter took none
    std::size_t lines = 0;     // in it
    std::uint64_t missed = 0;  // so many before them are gone: the store had no more room for them
    bool more = false;         // ask again at once
  };
  LogFollower(LogFilter filter, LogRender render, LogPosition from)
      : filter_(std::move(filter)), render_(std::move(render)), at_(from) {}
  Piece step(ProjectLog& log, std::size_t most_lines = SIZE_MAX);
  LogPosition position() const { return at_; }

 private:
  bool take(std::string_view payload, const LogPiece& piece, std::size_t most_lines, Piece& out);
  LogFilter filter_;
  LogRender render_;
  LogPosition at_;
};

}  // namespace paastech::logs
