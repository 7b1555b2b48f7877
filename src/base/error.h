#pragma once
// One mapper from Code to the numbers of the outside: HTTP status (RFC 9110), gRPC status, the CLI's exit code.
#include "base/result.h"

namespace paastech {

std::string_view code_name(Code code);  // "not_found"; stable, part of the API contract
int http_status(Code code);
Code code_from_http(int status);
int grpc_status(Code code);  // the number of grpc::StatusCode, without including gRPC
Code code_from_grpc(int status);
int exit_code(Code code);  // 1 failed, 2 usage, 3 not logged in, 4 not found

}  // namespace paastech
