// The SSH keys of the Client that asks.
#include "api/json_body.h"
#include "api/route.h"
#include "api/views.h"
#include "base/ids.h"
#include "domain/ssh_key.h"

namespace paastech::api {
namespace {

constexpr std::size_t kMaxKeys = 100;  // of one Client

net::Task<Result<Answer>> list_keys(CallPtr call) {
  const std::string client = call->actor.client_id;
  auto load = [client](store::Tx& tx) { return store::list_keys(tx, client); };
  CO_TRY_ASSIGN(std::vector<store::KeyRow> rows, co_await call->context().database.read(std::move(load)));
  boost::json::array list;
  for (const store::KeyRow& row : rows) list.push_back(to_json(row));
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<Answer>> add_key(CallPtr call) {
  Body body(call->body);
  const std::string text = body.text("public_key", 1, 16'384);
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(SshKey key, parse_ssh_public_key(text));
  store::KeyRow row;
  row.id = new_uuid();
  row.client_id = call->actor.client_id;
  row.type = key.type;
  row.public_key = key.blob64;
  row.fingerprint = key.fingerprint;
  row.comment = key.comment;
  row.created_at = call->context().clock.now_ms();
  auto insert = [row](store::Tx& tx) -> Status {
    TRY_ASSIGN(std::vector<store::KeyRow> present, store::list_keys(tx, row.client_id));
    if (present.size() >= kMaxKeys)
      return fail(Code::kFailedPrecondition, "you have 100 keys already, which is the most",
                  "remove one first: paastech keys remove ID");
    return store::insert_key(tx, row);
  };
  Status stored = co_await call->context().database.write(std::move(insert));
  if (!stored && stored.error().code == Code::kAlreadyExists)
    co_return fail(Code::kAlreadyExists, "this key is in use on this Service already",
                   "see yours with `paastech keys list`; a key belongs to one account only");
  CO_TRY(std::move(stored));
  call->object = row.fingerprint;
  co_return json_answer(201, to_json(row));
}

net::Task<Result<Answer>> remove_key(CallPtr call) {
  const std::string client = call->actor.client_id;
  const std::string id = call->parameters["id"];
  auto remove = [client, id](store::Tx& tx) { return store::delete_key(tx, client, id); };
  CO_TRY_ASSIGN(bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed) co_return fail(Code::kNotFound, "you have no key of that id", "see them: paastech keys list");
  co_return no_content();
}

}  // namespace

void add_key_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/keys", Permission::kAccountRead}, list_keys});
  routes.push_back({{"POST", "/api/v1/keys", Permission::kAccountManage, "key.add"}, add_key, BodyKind::kJson});
  routes.push_back({{"DELETE", "/api/v1/keys/{id}", Permission::kAccountManage, "key.remove"}, remove_key});
}

}  // namespace paastech::api
