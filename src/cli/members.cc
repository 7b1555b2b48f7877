// members: who works on a project. invitations accept: joining one.
#include <fmt/format.h>

#include "base/url.h"
#include "cli/command.h"
#include "cli/invitation.h"
#include "cli/json_read.h"
#include "cli/prompt.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

struct MemberOptions {
  std::string who;  // an address or a user name
  std::string role;
  bool yes = false;
};

json::object recipient(const std::string& who) {
  return json::object{{who.find('@') == std::string::npos ? "username" : "email", who}};
}

Outcome<int> list_members(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/members"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value members, api->call("GET", path));
  session.out.document(members);
  Table table{.header = {"NAME", "ROLE", "FOR"}, .rows = {}};
  for (const json::value& member : array_of(members))
    table.rows.push_back({text_of(member, "username"), text_of(member, "role"), since(session.io, member, "since")});
  session.out.table(table);
  return 0;
}

Outcome<int> invite(Session& session, const MemberOptions& options) {
  TRY_ASSIGN(const std::string path, session.project_path("/invitations"));
  TRY_ASSIGN(Http * api, session.api());
  json::object body = recipient(options.who);
  body["role"] = options.role;
  TRY_ASSIGN(const json::value made, api->call("POST", path, std::move(body)));
  show_invitation(session, made);
  return 0;
}

Outcome<int> transfer(Session& session, const MemberOptions& options) {
  TRY_ASSIGN(const std::string name, session.project());
  TRY_ASSIGN(const std::string path, session.project_path("/transfer"));
  TRY_ASSIGN(Http * api, session.api());
  TRY(confirm(session,
              fmt::format("This offers {} to {}. Once it is accepted you are a maintainer.", name, options.who), name,
              options.yes, fmt::format("paastech members transfer {} -p {}", options.who, name)));
  TRY_ASSIGN(const json::value made, api->call("POST", path, recipient(options.who)));
  show_invitation(session, made);
  return 0;
}

Outcome<int> set_role(Session& session, const MemberOptions& options) {
  TRY_ASSIGN(const std::string path, session.project_path("/members/" + percent_encoded(options.who)));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value member, api->call("PUT", path, json::object{{"role", options.role}}));
  session.out.document(member);
  session.out.line(fmt::format("{} is a {} now.", text_of(member, "username"), text_of(member, "role")));
  return 0;
}

Outcome<int> remove_member(Session& session, const std::string& who) {
  TRY_ASSIGN(const std::string path, session.project_path("/members/" + percent_encoded(who)));
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", path));
  session.out.document(json::object{});
  session.out.line(fmt::format("{} is no longer a member.", who));
  return 0;
}

Outcome<int> leave(Session& session) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value me, api->call("GET", "/me"));
  TRY_ASSIGN(const int code, remove_member(session, text_of(me, "username")));
  return code;
}

Outcome<int> open_invitations(Session& session) {
  TRY_ASSIGN(const std::string path, session.project_path("/invitations"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value invitations, api->call("GET", path));
  session.out.document(invitations);
  Table table{.header = {"ID", "WHOM", "ROLE", "BY", "UNTIL"}, .rows = {}};
  for (const json::value& one : array_of(invitations))
    table.rows.push_back({text_of(one, "id"),
                          text_of(one, "username").empty() ? text_of(one, "email") : text_of(one, "username"),
                          text_of(one, "role"), text_of(one, "inviter"), text_of(one, "expires_at").substr(0, 10)});
  session.out.table(table);
  return 0;
}

Outcome<int> withdraw(Session& session, const std::string& id) {
  TRY_ASSIGN(const std::string segment, id_segment(id, "paastech members invitations"));
  TRY_ASSIGN(const std::string path, session.project_path("/invitations/" + segment));
  TRY_ASSIGN(Http * api, session.api());
  TRY(api->call("DELETE", path));
  session.out.document(json::object{});
  session.out.line("The invitation is void.");
  return 0;
}

// The link, or the secret in it.
Outcome<int> accept(Session& session, const std::string& link) {
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value project,
             api->call("POST", "/invitations/accept", json::object{{"secret", secret_of(link)}}));
  session.out.document(project);
  session.out.line(fmt::format("You are {} of {} now.", text_of(project, "role"), text_of(project, "name")));
  return 0;
}

Option add_role(Command app, MemberOptions& options) {
  return app.add_option("--role", options.role, "maintainer: deploys and configures; viewer: looks")
      .type_name("ROLE")
      .required()
      .one_of({"maintainer", "viewer"});
}

Option add_who(Command app, std::string& who, const std::string& description) {
  return app.add_option("WHO", who, description).type_name("").required();
}

}  // namespace

void add_members_commands(Commands& commands) {
  Command group = commands.group("members", "Who works on a project", list_members);
  commands.add("list", "List the members", list_members, group);
  const auto options = std::make_shared<MemberOptions>();
  Command app = commands.add(
      "invite", "Invite somebody", [options](Session& session) { return invite(session, *options); }, group);
  add_who(app, options->who, "an e-mail address, or a user name");
  add_role(app, *options);
  app = commands.add(
      "set", "Give a member another role", [options](Session& session) { return set_role(session, *options); }, group);
  add_who(app, options->who, "the member's user name");
  add_role(app, *options);
  app = commands.add(
      "remove", "Take a member out", [options](Session& session) { return remove_member(session, options->who); },
      group);
  add_who(app, options->who, "the member's user name");
  commands.add("leave", "Leave a project that is somebody else's", leave, group);
  app = commands.add(
      "transfer", "Offer the project to somebody else",
      [options](Session& session) { return transfer(session, *options); }, group);
  add_who(app, options->who, "an e-mail address, or a user name");
  app.add_flag("--yes", options->yes, "do not ask");
  commands.add("invitations", "List the invitations that are open", open_invitations, group);
  const auto id = std::make_shared<std::string>();
  commands.add(
              "withdraw", "Make an invitation void", [id](Session& session) { return withdraw(session, *id); }, group)
      .add_option("ID", *id, "as `members invitations` shows it")
      .type_name("")
      .required();
  const auto link = std::make_shared<std::string>();
  commands.add("join", "Accept an invitation to a project", [link](Session& session) { return accept(session, *link); })
      .add_option("LINK", *link, "the link of the invitation, or the secret in it")
      .type_name("")
      .required();
}

}  // namespace paastech::cli
