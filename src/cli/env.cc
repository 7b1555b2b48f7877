// env: the environment of a project's processes. A change of a live application is a Deployment, which is followed.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/dotenv.h"
#include "cli/follow.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kFileLimit = 1 << 20;  // bytes; the Service takes less

struct ChangeOptions {
  std::vector<std::string> words;
  std::string file;
  bool no_wait = false;
};

Outcome<int> list_variables(Session& session, bool reveal) {
  TRY_ASSIGN(const std::string path, session.project_path(reveal ? "/environment?reveal=true" : "/environment"));
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(const json::value environment, api->call("GET", path));
  session.out.document(environment);
  if (array_of(environment).empty()) {
    session.out.note("There is no variable yet: paastech env set NAME=value");
    return 0;
  }
  Table table{.header = {"NAME", "VALUE", "CHANGED"}, .rows = {}};
  for (const json::value& item : array_of(environment)) {
    const std::string age = since(session.io, item, "updated_at");
    table.rows.push_back(
        {text_of(item, "name"), reveal ? text_of(item, "value") : "(hidden)", age == "-" ? age : age + " ago"});
  }
  session.out.table(table);
  if (!reveal) session.out.progress("--reveal shows the values.");
  return 0;
}

bool is_text(std::string_view text) {
  json::error_code error;
  json::parse(json::serialize(json::string(text.data(), text.size())), error);
  return !error;
}

// JSON is UTF-8 (RFC 8259, section 8.1), so nothing else can be sent. The Service would only see a broken body.
Outcome<int> check_text(const json::object& values) {
  const char* hint = "a variable holds text: convert it (iconv -t UTF-8), or encode it, for instance with base64";
  for (const auto& [name, value] : values) {
    if (!is_text(name)) return usage("the name of a variable is not UTF-8 text", hint);
    if (!is_text(value.as_string())) return usage(fmt::format("the value of {} is not UTF-8 text", name), hint);
  }
  return 0;
}

Outcome<int> change(Session& session, json::object set, json::array unset, bool no_wait) {
  TRY(check_text(set));
  TRY_ASSIGN(const std::string path, session.project_path());
  TRY_ASSIGN(Http * api, session.api());
  TRY_ASSIGN(json::value answer, api->call("PATCH", path + "/environment",
                                           json::object{{"set", std::move(set)}, {"unset", std::move(unset)}}));
  std::string names;
  for (const json::value& name : array_of(answer, "changed"))
    if (name.is_string()) names += (names.empty() ? "" : ", ") + std::string(name.get_string());
  session.out.line(names.empty() ? "Nothing changed." : fmt::format("Changed {}.", names));
  if (!object_of(answer, "deployment") && !names.empty())
    session.out.note("Nothing runs at present; the next deployment uses it.");
  return follow_answer(session, path, std::move(answer), "deployment", !no_wait);
}

Outcome<int> set_variables(Session& session, const ChangeOptions& options) {
  json::object values;
  for (const std::string& word : options.words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos)
      return usage(fmt::format("`{}` is not NAME=value", word.substr(0, equals)),
                   "paastech env set NAME=value, or `paastech env import FILE` for many");
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return change(session, std::move(values), {}, options.no_wait);
}

Outcome<int> unset(Session& session, const ChangeOptions& options) {
  json::array names;
  for (const std::string& word : options.words) names.emplace_back(word);
  return change(session, {}, std::move(names), options.no_wait);
}

Outcome<int> import_file(Session& session, const ChangeOptions& options) {
  TRY_ASSIGN(const std::string text,
             read_input(session, options.file, kFileLimit, "name a file of lines like NAME=value, or - for the input"));
  const auto parsed = parse_dotenv(text);
  if (!parsed) {
    Error error = parsed.error();
    error.message = fmt::format("{}, {}; nothing was changed", options.file, error.message);
    return std::unexpected(Failure(std::move(error)));
  }
  if (parsed->empty()) return usage(fmt::format("{} holds no variable", options.file), "write lines like NAME=value");
  json::object values;
  for (const auto& [name, value] : *parsed) values[name] = value;
  return change(session, std::move(values), {}, options.no_wait);
}

}  // namespace

void add_env_commands(Commands& commands) {
  Command group = commands.group("env", "Environment variables of the application");
  const auto reveal = std::make_shared<bool>(false);
  commands
      .add(
          "list", "List the variables", [reveal](Session& session) { return list_variables(session, *reveal); }, group)
      .add_flag("--reveal", *reveal, "show the values");
  const auto add = [&](const std::string& name, const std::string& text, auto function) {
    const auto options = std::make_shared<ChangeOptions>();
    Command app = commands.add(name, text, [options, function](Session& s) { return function(s, *options); }, group);
    app.add_flag("--no-wait", options->no_wait, "do not follow the deployment that this causes");
    return std::pair(app, options);
  };
  const auto [set_app, set_options] = add("set", "Set variables and redeploy", set_variables);
  set_app.add_option("NAME=VALUE", set_options->words, "what to set").type_name("").required();
  const auto [unset_app, unset_options] = add("unset", "Remove variables and redeploy", unset);
  unset_app.add_option("NAME", unset_options->words, "what to remove").type_name("").required();
  const auto [import_app, import_options] = add("import", "Set all variables of a .env file and redeploy", import_file);
  import_app.add_option("FILE", import_options->file, "the file, or - for the standard input").type_name("").required();
}

}  // namespace paastech::cli
