// What administrators tell all Clients.
#include "store/announcements.h"

#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/rfc3339.h"

namespace paastech::api {
namespace {

boost::json::object announcement_json(const store::AnnouncementRow& row) {
  boost::json::object out{
      {"id", row.id}, {"level", row.level}, {"text", safe_text(row.text)}, {"created_at", rfc3339(row.created_at)}};
  if (row.ends_at > 0) out["ends_at"] = rfc3339(row.ends_at);
  return out;
}

boost::json::object announcements_json(const std::vector<store::AnnouncementRow>& rows) {
  boost::json::array list;
  for (const store::AnnouncementRow& row : rows) list.push_back(announcement_json(row));
  return items(std::move(list));
}

net::Task<Result<Answer>> announce(CallPtr call) {
  Body body(call->body);
  store::AnnouncementRow row;
  row.level = body.text("level", 1, 10);
  row.text = body.text("text", 1, 2'000);
  const std::optional<std::string> ends = body.optional_text("ends_at", 1, 40);
  CO_TRY(body.finish());
  row.id = new_uuid();
  row.created_at = call->context().clock.now_ms();
  if (ends) {
    row.ends_at = parse_rfc3339_ns(*ends).value_or(0) / 1'000'000;
    if (row.ends_at <= row.created_at)
      co_return fail(Code::kInvalidArgument, "`ends_at` must be a time that is still to come",
                     "write it like 2026-01-31T12:00:00Z");
  }
  auto insert = [row](store::Tx& tx) { return store::insert_announcement(tx, row); };
  CO_TRY(co_await call->context().database.write(std::move(insert)));
  call->object = row.id;
  co_return json_answer(201, announcement_json(row));
}

net::Task<Result<Answer>> list_all(CallPtr call) {
  auto load = [](store::Tx& tx) { return store::list_announcements(tx); };
  CO_TRY_ASSIGN(const std::vector<store::AnnouncementRow> rows,
                co_await call->context().database.read(std::move(load)));
  co_return json_answer(200, announcements_json(rows));
}

net::Task<Result<Answer>> list_active(CallPtr call) {
  auto load = [now = call->context().clock.now_ms()](store::Tx& tx) { return store::active_announcements(tx, now); };
  CO_TRY_ASSIGN(const std::vector<store::AnnouncementRow> rows,
                co_await call->context().database.read(std::move(load)));
  co_return json_answer(200, announcements_json(rows));
}

net::Task<Result<Answer>> withdraw_announcement(CallPtr call) {
  auto remove = [id = call->parameters["announcement"]](store::Tx& tx) { return store::delete_announcement(tx, id); };
  CO_TRY_ASSIGN(const bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed) co_return fail(Code::kNotFound, "there is no such announcement");
  co_return no_content();
}

}  // namespace

void add_announcement_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/announcements", Permission::kClientsManage}, list_all});
  routes.push_back({{"POST", "/api/v1/announcements", Permission::kClientsManage, "announcement.create"},
                    announce,
                    BodyKind::kJson});
  routes.push_back(
      {{"DELETE", "/api/v1/announcements/{announcement}", Permission::kClientsManage, "announcement.delete"},
       withdraw_announcement});
  routes.push_back({{"GET", "/api/v1/me/announcements", Permission::kAccountRead}, list_active});
}

}  // namespace paastech::api
