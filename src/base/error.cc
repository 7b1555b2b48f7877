#include "base/error.h"

#include <array>

namespace paastech {
namespace {

struct Row {
  Code code;
  std::string_view name;
  int http;
  int grpc;
};

// gRPC numbers: https://grpc.io/docs/guides/status-codes; HTTP: RFC 9110 section 15.
constexpr std::array kRows{
    Row{Code::kInvalidArgument, "invalid_argument", 422, 3},
    Row{Code::kNotFound, "not_found", 404, 5},
    Row{Code::kAlreadyExists, "already_exists", 409, 6},
    Row{Code::kPermissionDenied, "permission_denied", 403, 7},
    Row{Code::kUnauthenticated, "unauthenticated", 401, 16},
    Row{Code::kFailedPrecondition, "failed_precondition", 412, 9},
    Row{Code::kResourceExhausted, "resource_exhausted", 429, 8},
    Row{Code::kAborted, "aborted", 409, 10},
    Row{Code::kCancelled, "cancelled", 499, 1},
    Row{Code::kDeadlineExceeded, "deadline_exceeded", 504, 4},
    Row{Code::kUnavailable, "unavailable", 503, 14},
    Row{Code::kInternal, "internal", 500, 13},
};

const Row& row(Code code) {
  for (const Row& r : kRows)
    if (r.code == code) return r;
  return kRows.back();
}

}  // namespace

std::string_view code_name(Code code) { return row(code).name; }
int http_status(Code code) { return row(code).http; }
int grpc_status(Code code) { return row(code).grpc; }

Code code_from_http(int status) {
  for (const Row& r : kRows)
    if (r.http == status) return r.code;
  return status >= 400 && status < 500 ? Code::kInvalidArgument : Code::kInternal;
}

Code code_from_grpc(int status) {
  for (const Row& r : kRows)
    if (r.grpc == status) return r.code;
  return Code::kInternal;
}

int exit_code(Code code) {
  switch (code) {
    case Code::kUnauthenticated: return 3;
    case Code::kNotFound: return 4;
    default: return 1;
  }
}

}  // namespace paastech
