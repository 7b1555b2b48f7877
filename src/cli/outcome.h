#pragma once
// How a command ends badly: an error for the reader and the exit code of the process.
// 1 failed, 2 usage, 3 not logged in, 4 not found, 130 interrupted (128 + SIGINT, as shells report it).
#include "base/error.h"

namespace paastech::cli {

constexpr int kExitUsage = 2;
constexpr int kExitNotLoggedIn = 3;
constexpr int kExitInterrupted = 130;

struct Failure {
  Error error;
  int exit;
  Failure(Error e) : error(std::move(e)), exit(exit_code(error.code)) {}  // NOLINT: Result<T> converts to Outcome<T>
  Failure(Error e, int code) : error(std::move(e)), exit(code) {}
};

template <class T>
using Outcome = std::expected<T, Failure>;

inline std::unexpected<Failure> usage(std::string message, std::string hint) {
  return std::unexpected(Failure(Error{Code::kInvalidArgument, std::move(message), std::move(hint)}, kExitUsage));
}
inline std::unexpected<Failure> interrupted(std::string message = "interrupted", std::string hint = {}) {
  return std::unexpected(Failure(Error{Code::kCancelled, std::move(message), std::move(hint)}, kExitInterrupted));
}

}  // namespace paastech::cli
