#include "cli/run.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/json_read.h"
#include "cli/manual.h"
#include "cli/suggest.h"
#include "cli/topics.h"
#include "cli/tree.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

std::string help_of(const CLI::App* app) { return app->help(app->get_parent() ? full_name(app->get_parent()) : ""); }

// The deepest command that the arguments named.
const CLI::App* deepest(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

// The command of that very name that stands deeper, as `cancel` does in `deployments cancel`; null: none.
const CLI::App* find_below(const CLI::App& app, const std::string& word) {
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (below->get_name() == word) return below;
    if (const CLI::App* found = find_below(*below, word)) return found;
  }
  return nullptr;
}

std::unexpected<Failure> unknown_command(const CLI::App& app, const std::string& word) {
  const std::string name = full_name(&app);
  const CLI::App* deeper = find_below(app, word);
  const std::string near = deeper != nullptr ? "" : nearest(word, names_of(app));
  const std::string meant = deeper != nullptr ? full_name(deeper) : near.empty() ? "" : name + " " + near;
  return usage(fmt::format("`{}` is not a command of {}", word, name),
               meant.empty() ? fmt::format("`{} --help` lists them", name)
                             : fmt::format("did you mean `{}`? `{} --help` lists them all", meant, name));
}

std::unexpected<Failure> explain(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* app = deepest(&root);
  const std::vector<std::string> rest = root.remaining(true);
  const std::vector<std::string> names = names_of(*app);
  for (const std::string& word : rest)
    if (!names.empty() && !word.starts_with('-')) return unknown_command(*app, word);
  const std::string help = fmt::format("`{} --help` explains it", full_name(app));
  if (!rest.empty() && rest.front().starts_with('-')) {
    std::vector<std::string> options;
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    const std::string near = nearest(rest.front(), options);
    return usage(fmt::format("{} has no option `{}`", full_name(app), rest.front()),
                 near.empty() ? help : fmt::format("did you mean `{}`? {}", near, help));
  }
  if (!rest.empty()) return usage(fmt::format("{} does not take `{}`", full_name(app), rest.front()), help);
  if (!names.empty())
    return usage(fmt::format("{} needs a command", full_name(app)),
                 fmt::format("`{} --help` lists them", full_name(app)));
  std::string what = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) what = what.substr(0, what.find(':')) + " needs a value";
  return usage(fmt::format("{}: {}", full_name(app), what), help);
}

// A topic of the name of a command follows what explains the command.
Outcome<int> show_help(Session& session, const CLI::App& root, const std::vector<std::string>& words) {
  const Topic* topic = words.size() == 1 ? topic_named(words.front()) : nullptr;
  const CLI::App* app = &root;
  for (const std::string& word : words) {
    const CLI::App* next = command_named(*app, word);
    if (!next && !topic) return unknown_command(*app, word);
    app = next;
  }
  if (app) session.io.out << help_of(app);
  if (app && topic) session.io.out << "\n";
  if (topic) session.io.out << topic->text;
  if (app == &root) {
    session.io.out << "Topics, by `paastech help TOPIC`:\n ";
    for (const Topic& each : topics()) session.io.out << " " << each.name;
    session.io.out << "\n";
  }
  session.io.out << std::flush;
  return 0;
}

// Names for the Tab key: it must be quick, and say nothing where something is wrong.
std::vector<std::string> project_names(Session& session) {
  constexpr std::chrono::milliseconds kPatience(1000);
  std::vector<std::string> names;
  const Outcome<Http*> api = session.api();
  if (!api) return names;
  (*api)->set_patience(kPatience);
  const Result<json::value> projects = (*api)->call("GET", "/projects?limit=100");
  if (!projects) return names;
  for (const json::value& project : array_of(*projects)) names.push_back(text_of(project, "name"));
  return names;
}

// What other programs ask for; no command of a person.
std::optional<int> answer_program(const std::vector<std::string>& words, const CLI::App& root, Session& session) {
  if (words.front() == "__man") {
    session.io.out << manual(root) << std::flush;
    return 0;
  }
  if (words.front() != "__complete") return std::nullopt;
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  for (const std::string& word : complete(root, rest, [&] { return project_names(session); }))
    session.io.out << plain(word) << "\n";
  session.io.out << std::flush;
  return 0;
}

int finish(Session& session, const Outcome<int>& outcome) {
  if (outcome) return *outcome;
  const Failure& failure = outcome.error();
  if (failure.exit != kExitInterrupted) {
    session.out.error(failure.error);
  } else {
    session.out.note(failure.error.message);
    if (!failure.error.hint.empty()) session.out.note(failure.error.hint);
  }
  return failure.exit;
}

void add_all(Commands& commands) {
  add_login_commands(commands);
  add_account_commands(commands);
  add_sessions_commands(commands);
  add_tokens_commands(commands);
  add_two_factor_commands(commands);
  add_keys_commands(commands);
  add_projects_commands(commands);
  add_init_command(commands);
  add_deploy_command(commands);
  add_env_commands(commands);
  add_deployments_commands(commands);
  add_processes_commands(commands);
  add_apps_commands(commands);
  add_registry_commands(commands);
  add_stats_command(commands);
  add_logs_command(commands);
  add_members_commands(commands);
  add_audit_command(commands);
  add_admin_commands(commands);
  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App& root = commands.root;
  const auto shell = std::make_shared<std::string>();
  commands
      .add("completion", "Print the script by which a shell completes commands",
           [shell](Session& session) -> Outcome<int> {
             TRY_ASSIGN(const std::string script, completion_script(*shell));
             session.io.out << script << std::flush;
             return 0;
           })
      .add_option("SHELL", *shell, "bash, zsh or fish")
      .type_name("")
      .required();
  commands
      .add("help", "Explain a command or a topic",
           [words, &root](Session& session) { return show_help(session, root, *words); })
      .add_option("COMMAND", *words, "the command, or a topic: getting-started, deploy, …");
}

// A usage error found by the parser has not filled in --json yet.
bool wants_json(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

}  // namespace

int run(int argc, const char* const* argv, Io& io) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CLI::App root("Push a Git repository, get a live URL.", "paastech");
  root.require_subcommand(1, 1);
  root.set_version_flag("--version", "paastech " PAASTECH_VERSION, "Print the version");
  Commands commands(root);
  add_all(commands);
  try {
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (arguments.empty()) {
      io.err << root.help();
      return kExitUsage;
    }
    Session programs(io, commands.globals);
    if (const std::optional<int> exit = answer_program(arguments, root, programs)) return *exit;
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    root.parse(std::move(arguments));
    Session session(io, commands.globals);
    return finish(session, commands.chosen(session));
  } catch (const CLI::CallForHelp&) {
    const CLI::App* app = deepest(&root);
    io.out << help_of(app) << std::flush;
    return 0;
  } catch (const CLI::CallForVersion& version) {
    io.out << version.what() << std::endl;
    return 0;
  } catch (const CLI::ParseError& error) {
    Session session(io, Globals{.json = wants_json(argc, argv), .server = {}, .project = {}});
    return finish(session, explain(root, error));
  } catch (const std::exception& error) {  // a bug, or a library at its end
    Session session(io, commands.globals);
    return finish(session, fail(Code::kInternal, fmt::format("paastech failed: {}", error.what()),
                                "please report this with the command that caused it"));
  }
}

}  // namespace paastech::cli
