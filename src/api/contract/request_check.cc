// A request held to its operation.
#include "api/contract/contract.h"

namespace paastech::api {
namespace {

Status check_headers(const Operation& operation, const Call& call) {
  for (const Parameter& header : operation.headers) {
    const std::optional<std::string> value = call.request.headers.find(header.name);
    if (!value && header.required) return fail(Code::kInvalidArgument, "the header `" + header.name + "` is missing");
    if (value) {
      TRY(header.schema.check_text(*value, header.name));
    }
  }
  return {};
}

}  // namespace

Status check_parameters(const Operation& operation, const Call& call) {
  for (const Parameter& part : operation.path) {
    const auto value = call.parameters.find(part.name);
    if (value == call.parameters.end()) return fail(Code::kInternal, "no part of the path is called " + part.name);
    // PostgreSQL takes no such value, and would look for what stands before it.
    if (value->second.contains('\0'))
      return fail(Code::kNotFound, "there is nothing of that name: `" + part.name + "` has a NUL character");
    Status checked = part.schema.check_text(value->second, part.name);
    if (!checked) return fail(Code::kNotFound, "there is nothing of that name: " + checked.error().message);
  }
  for (const Parameter& parameter : operation.query) {
    if (!call.query.has(parameter.name) && parameter.required)
      return fail(Code::kInvalidArgument, "query parameter `" + parameter.name + "` is missing");
    if (!call.query.has(parameter.name)) continue;
    Status checked = parameter.schema.check_text(call.query.text(parameter.name), parameter.name);
    if (!checked) {
      checked.error().message = "query parameter " + checked.error().message;
      return checked;
    }
  }
  return check_headers(operation, call);
}

Status check_body(const Operation& operation, const Call& call) {
  if (operation.body == BodyKind::kNone) return {};
  return operation.body_schema.check(call.body);
}

}  // namespace paastech::api
