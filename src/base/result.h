#pragma once
// How a failure travels: Result<T> carries a T or an Error; exceptions are for bugs and third-party seams only.
// Thread: values, safe to move between threads.
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace paastech {

// The names and meanings are those of gRPC's canonical codes; each has one HTTP status and one exit code (see error.h).
enum class Code {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kUnauthenticated,
  kFailedPrecondition,
  kResourceExhausted,
  kAborted,
  kCancelled,
  kDeadlineExceeded,
  kUnavailable,
  kInternal,
};

// message: what happened and why, one sentence, fit for a Client's eyes. hint: what to do next, or empty.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string hint = {};
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// fail(Code::kNotFound, "project x does not exist", "run `paastech projects list`")
inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

}  // namespace paastech

#define PT_CONCAT_(a, b) a##b
#define PT_CONCAT(a, b) PT_CONCAT_(a, b)
// TRY(status_expression); TRY_ASSIGN(auto x, result_expression): leave the function with the error, or go on.
#define TRY(expr)                                                           \
  do {                                                                      \
    auto pt_status_ = (expr);                                               \
    if (!pt_status_) return std::unexpected(std::move(pt_status_).error()); \
  } while (false)
#define TRY_ASSIGN_(tmp, decl, expr)                        \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_(PT_CONCAT(pt_result_, __LINE__), decl, expr)
// The same inside a coroutine: CO_TRY(co_await f()); CO_TRY_ASSIGN(auto x, co_await g());
#define CO_TRY_(tmp, expr) \
  auto tmp = expr;         \
  if (!tmp) co_return std::unexpected(std::move(tmp).error())
#define CO_TRY(expr) CO_TRY_(PT_CONCAT(pt_status_, __LINE__), expr)
#define CO_TRY_ASSIGN_(tmp, decl, expr)                        \
  auto tmp = expr;                                             \
  if (!tmp) co_return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define CO_TRY_ASSIGN(decl, expr) CO_TRY_ASSIGN_(PT_CONCAT(pt_result_, __LINE__), decl, expr)
