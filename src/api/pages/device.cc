// Where a Client lets a device in that waits for it (RFC 8628 section 3.3).
#include "api/device_login.h"
#include "api/json_body.h"
#include "api/pages/form_page.h"
#include "api/pages/page.h"
#include "api/route.h"
#include "base/clock.h"

namespace paastech::api {
namespace {

constexpr std::string_view kDeviceTitle = "Let a device in";

std::string code_form(const std::string& code) {
  return form("/device",
              input({.name = "user_code",
                     .label = "Code",
                     .value = code,
                     .hint = "The eight letters that the device shows, for instance BCDF-GHJK"}),
              "Go on");
}

std::string decision_form(const std::string& code, std::string_view decision, std::string_view button) {
  return form("/device", hidden("user_code", code) + hidden("decision", decision), button);
}

// Whoever is sent a link must be able to see that it is not his own device (RFC 8628 section 5.4).
net::HttpResponse question(const Call& call, const store::DeviceLoginRow& device) {
  const std::string code = shown_user_code(device.user_code);
  std::string body =
      "<p>A device asks to be logged in as <strong>" + escaped(call.identity->client.username) +
      "</strong> and may then do whatever you may.</p>\n<dl>\n<dt>It says it is</dt><dd>" + escaped(device.name) +
      "</dd>\n<dt>Its address</dt><dd>" + escaped(device.address) + "</dd>\n<dt>Asked at</dt><dd>" +
      escaped(rfc3339(device.created_at)) + "</dd>\n<dt>Its code</dt><dd><strong>" + escaped(code) +
      "</strong></dd>\n</dl>\n" +
      "<p>Approve it only if you began this yourself just now, and the device shows the same code.</p>\n";
  body += decision_form(code, "approve", "Approve") + decision_form(code, "deny", "Deny");
  return page(200, kDeviceTitle, body);
}

Result<Answer> code_again(const Error& error, const std::string& code) {
  return form_again(error, {Code::kNotFound, Code::kResourceExhausted}, kDeviceTitle, code_form(code));
}

net::Task<Result<Answer>> show_device_form(CallPtr call) {
  if (!call->query.has("user_code")) co_return page(200, kDeviceTitle, code_form(""));
  const std::string code = call->query.text("user_code");
  Result<store::DeviceLoginRow> device = co_await find_waiting_device(call, code);
  if (!device) co_return code_again(device.error(), code);
  co_return question(*call, *device);
}

net::Task<Result<Answer>> decide(CallPtr call) {
  Body body(call->body);
  const std::string code = body.text("user_code", 1, 20);
  const std::string decision = body.optional_text("decision", 1, 10).value_or("");
  CO_TRY(body.finish());
  if (!decision.empty() && decision != "approve" && decision != "deny")
    co_return fail(Code::kInvalidArgument, "`decision` must be approve or deny");
  Result<store::DeviceLoginRow> device = co_await find_waiting_device(call, code);
  if (!device) co_return code_again(device.error(), code);
  if (decision.empty()) {
    call->audited = true;  // nothing has happened yet
    co_return question(*call, *device);
  }
  call->object = device->name;
  Status decided = co_await decide_device(call, *device, decision == "approve");
  if (!decided) co_return code_again(decided.error(), code);
  if (decision == "deny") co_return page(200, "Denied", "<p>The device was not let in. You can close this page.</p>\n");
  co_return page(200, "Approved",
                 "<p>The device is logged in within some seconds. You can close this page.</p>\n"
                 "<p>See and end your logins with <code>paastech sessions list</code>.</p>\n");
}

}  // namespace

void add_device_pages(std::vector<Route>& routes) {
  const Permission manage = Permission::kAccountManage;
  routes.push_back({{"GET", "/device", manage, "", true}, show_device_form, BodyKind::kNone, {"user_code"}});
  routes.push_back({{"POST", "/device", manage, "device.decide", true}, decide, BodyKind::kForm});
}

}  // namespace paastech::api
