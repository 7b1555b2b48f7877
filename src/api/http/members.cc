// Who works on a Project: list, change a role, remove, leave. New ones come by invitation (project_invitations.cc).
#include "api/json_body.h"
#include "api/project_invitations.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/text.h"

namespace paastech::api {
namespace {

boost::json::object person_json(const store::PersonRow& person) {
  return {{"username", person.username}, {"role", to_text(person.role)}, {"since", rfc3339(person.since)}};
}

net::Task<Result<Answer>> list_members(CallPtr call) {
  auto load = [id = call->project.id](store::Tx& tx) { return store::list_people(tx, id); };
  CO_TRY_ASSIGN(std::vector<store::PersonRow> people, co_await call->context().database.read(std::move(load)));
  boost::json::array list;
  for (const store::PersonRow& person : people) list.push_back(person_json(person));
  co_return json_answer(200, items(std::move(list)));
}

// The member of that name; not the owner, whose role goes by a transfer only.
Result<store::PersonRow> find_member(store::Tx& tx, const store::ProjectRow& project, const std::string& username) {
  TRY_ASSIGN(const std::vector<store::PersonRow> people, store::list_people(tx, project.id));
  for (const store::PersonRow& person : people) {
    if (person.username != lower(username)) continue;
    if (person.role == Role::kOwner)
      return fail(Code::kFailedPrecondition, person.username + " owns project " + project.name,
                  "a project always has an owner; give it to another one first: paastech members transfer");
    return person;
  }
  return fail(Code::kNotFound, safe_line(username) + " is not a member of project " + project.name,
              "see who is: paastech members list");
}

net::Task<Result<Answer>> set_role(CallPtr call) {
  Body body(call->body);
  const std::string text = body.text("role", 1, 20);
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(const Role role, member_role(text));
  call->object = call->parameters["username"] + " " + text;
  auto change = [project = call->project, username = call->parameters["username"],
                 role](store::Tx& tx) -> Result<store::PersonRow> {
    TRY_ASSIGN(store::PersonRow person, find_member(tx, project, username));
    person.role = role;
    TRY(store::set_member(tx, {project.id, person.client_id, role, person.since}));
    TRY(store::delete_invitations_of(tx, project.id, person.client_id));
    return person;
  };
  CO_TRY_ASSIGN(store::PersonRow person, co_await call->context().database.write(std::move(change)));
  co_return json_answer(200, person_json(person));
}

// Anybody may leave; only the owner removes others.
net::Task<Result<Answer>> remove_member(CallPtr call) {
  const std::string username = call->parameters["username"];
  if (lower(username) != call->identity->client.username) {
    CO_TRY(allow(call->actor, Permission::kProjectOwn, call->resource));
  }
  auto remove = [project = call->project, username](store::Tx& tx) -> Result<std::string> {
    TRY_ASSIGN(store::PersonRow person, find_member(tx, project, username));
    TRY(store::delete_member(tx, project.id, person.client_id));
    TRY(store::delete_invitations_of(tx, project.id, person.client_id));
    return std::move(person.client_id);
  };
  CO_TRY_ASSIGN(const std::string removed, co_await call->context().database.write(std::move(remove)));
  call->services.streams.ask_again(removed);
  co_return no_content();
}

}  // namespace

void add_member_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/members", Permission::kProjectRead}, list_members});
  routes.push_back({{"PUT", "/api/v1/projects/{project}/members/{username}", Permission::kProjectOwn, "member.set"},
                    set_role,
                    BodyKind::kJson});
  routes.push_back(
      {{"DELETE", "/api/v1/projects/{project}/members/{username}", Permission::kProjectLeave, "member.remove"},
       remove_member});
}

}  // namespace paastech::api
