#include "api/contract/contract.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/contract/document.h"
#include "api/contract/embedded.h"
#include "base/text.h"

namespace paastech::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

std::unexpected<Error> broken(const std::string& where, std::string_view what) {
  return fail(Code::kInternal, fmt::format("the contract at {}: {}", where, what));
}

// Answers that have a name, by it: nearly every operation refers to the same dozen.
using NamedAnswers = std::map<std::string, std::shared_ptr<const DescribedAnswer>>;

// Reads one operation of the document.
class Reader {
 public:
  Reader(const json::value& root, std::string where, NamedAnswers& named)
      : root_(root), where_(std::move(where)), named_(named) {}

  Result<Operation> operation(const json::object& path, const json::object& described) {
    Operation out;
    TRY_ASSIGN(out.name, text(described, "operationId"));
    if (out.name.empty()) return broken(where_, "no operationId");
    TRY_ASSIGN(out.action, text(described, "x-action"));
    out.needs_login = needs_login(described);
    TRY(parameters(out, path));
    TRY(parameters(out, described));
    if (described.contains("requestBody")) {
      TRY(body(out, *resolved(described.at("requestBody"))));
    }
    TRY(answers(out, described));
    for (const Parameter& header : out.headers) out.bears_key = out.bears_key || header.name == "Idempotency-Key";
    return out;
  }

 private:
  // "" where it is none.
  static std::string reference_of(const json::value& value) {
    const json::value* reference = value.is_object() ? value.get_object().if_contains("$ref") : nullptr;
    return reference != nullptr && reference->is_string() ? std::string(reference->get_string()) : std::string();
  }
  // What a $ref names, or the value itself; null: nothing is there.
  const json::value* resolved(const json::value& value) const {
    if (!value.is_object() || !value.get_object().contains("$ref")) return &value;
    return resolve_reference(root_, reference_of(value));
  }

  Result<std::string> text(const json::object& object, std::string_view name) const {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) return std::string();
    if (!value->is_string()) return broken(where_, fmt::format("{} is not a string", name));
    return std::string(value->get_string());
  }

  bool needs_login(const json::object& described) const {
    const json::value* security = described.if_contains("security");
    if (security == nullptr) security = root_.get_object().if_contains("security");
    if (security == nullptr || !security->is_array()) return false;
    bool needed = !security->get_array().empty();
    for (const json::value& one : security->get_array())
      if (one.is_object() && one.get_object().empty()) needed = false;
    return needed;
  }

  Status parameters(Operation& out, const json::object& from) {
    const json::value* list = from.if_contains("parameters");
    if (list == nullptr) return {};
    if (!list->is_array()) return broken(where_, "parameters is not a list");
    for (const json::value& one : list->get_array()) {
      const json::value* value = resolved(one);
      if (value == nullptr || !value->is_object()) return broken(where_, "a parameter that is not there");
      const json::object& object = value->get_object();
      Parameter made;
      TRY_ASSIGN(made.name, text(object, "name"));
      TRY_ASSIGN(const std::string in, text(object, "in"));
      const json::value* required = object.if_contains("required");
      made.required = required != nullptr && required->is_bool() && required->get_bool();
      const json::value* schema = object.if_contains("schema");
      if (schema == nullptr) return broken(where_, "parameter " + made.name + " has no schema");
      TRY_ASSIGN(made.schema, Schema::compile(root_, *schema, where_ + " " + made.name));
      if (in == "path" && !made.required) return broken(where_, "a part of the path is required: " + made.name);
      if (in == "path")
        out.path.push_back(std::move(made));
      else if (in == "query")
        out.query.push_back(std::move(made));
      else if (in == "header")
        out.headers.push_back(std::move(made));
      else
        return broken(where_, "parameters are in path, query or header");
    }
    return {};
  }

  Status body(Operation& out, const json::value& described) {
    const json::value* content = described.is_object() ? described.get_object().if_contains("content") : nullptr;
    if (content == nullptr || !content->is_object() || content->get_object().size() != 1)
      return broken(where_, "a body has exactly one media type");
    const auto& [type, media] = *content->get_object().begin();
    if (type != kJson && type != kForm) return broken(where_, "a body is JSON or a form");
    out.body = type == kJson ? BodyKind::kJson : BodyKind::kForm;
    TRY_ASSIGN(out.body_schema, schema_in(media, "body"));
    return {};
  }

  Result<Schema> schema_in(const json::value& media, std::string_view what) const {
    const json::value* schema = media.is_object() ? media.get_object().if_contains("schema") : nullptr;
    if (schema == nullptr) return broken(where_, fmt::format("{} has no schema", what));
    return Schema::compile(root_, *schema, fmt::format("{} {}", where_, what));
  }

  Status answers(Operation& out, const json::object& described) {
    const json::value* list = described.if_contains("responses");
    if (list == nullptr || !list->is_object()) return broken(where_, "no responses");
    for (const auto& [status, one] : list->get_object()) {
      const std::string name(status);
      const std::string reference = reference_of(one);
      const json::value* value = resolved(one);
      if (value == nullptr || !value->is_object()) return broken(where_, "answer " + name + " is not there");
      if (name.size() != 3 || name.find_first_not_of("0123456789") != std::string::npos)
        return broken(where_, "answers are named by their status, not " + name);
      if (const auto known = named_.find(reference); known != named_.end()) {
        out.answers.emplace(std::stoi(name), known->second);
        continue;
      }
      DescribedAnswer answer;
      if (const json::value* content = value->get_object().if_contains("content"); content && content->is_object())
        for (const auto& [type, media] : content->get_object()) {
          TRY_ASSIGN(answer.content[std::string(type)], schema_in(media, "answer " + name));
        }
      const auto kept = std::make_shared<const DescribedAnswer>(std::move(answer));
      if (!reference.empty()) named_.emplace(reference, kept);
      out.answers.emplace(std::stoi(name), kept);
    }
    return {};
  }

  const json::value& root_;
  std::string where_;
  NamedAnswers& named_;
};

constexpr std::string_view kMethods[] = {"get", "put", "post", "delete", "patch"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

Result<Contract> Contract::parse(std::string_view yaml) {
  Contract contract;
  TRY_ASSIGN(contract.root_, json_of_yaml(yaml));
  const json::value* paths = resolve_reference(contract.root_, "#/paths");
  if (paths == nullptr || !paths->is_object()) return broken("/", "no paths");
  std::map<std::string, std::string> names;
  NamedAnswers named;
  for (const auto& [path, item] : paths->get_object()) {
    if (!item.is_object()) return broken(std::string(path), "not an object");
    for (const auto& [key, described] : item.get_object()) {
      if (key == "parameters" || key == "summary" || key == "description") continue;
      const std::string where = fmt::format("{} {}", upper(key), std::string_view(path));
      if (std::find(std::begin(kMethods), std::end(kMethods), std::string_view(key)) == std::end(kMethods))
        return broken(where, "not a method that the Service knows");
      if (!described.is_object()) return broken(where, "not an object");
      Reader reader(contract.root_, where, named);
      TRY_ASSIGN(Operation operation, reader.operation(item.get_object(), described.get_object()));
      const auto [other, fresh] = names.emplace(operation.name, where);
      if (!fresh) return broken(where, "operationId " + operation.name + " is taken by " + other->second);
      contract.operations_.emplace(std::pair(upper(key), std::string(path)), std::move(operation));
    }
  }
  return contract;
}

const Operation* Contract::find(std::string_view method, std::string_view path) const {
  const auto found = operations_.find({std::string(method), std::string(path)});
  return found == operations_.end() ? nullptr : &found->second;
}

std::string Contract::check_answer(std::string_view method, std::string_view path, int status,
                                   std::string_view media_type, const std::string& body) const {
  const Operation* operation = find(method, path);
  if (operation == nullptr) return "not described";
  const auto answer = operation->answers.find(status);
  if (answer == operation->answers.end()) return fmt::format("{} {} may not answer {}", method, path, status);
  const auto& content = answer->second->content;
  if (content.empty()) return body.empty() ? "" : "no body is described";
  const auto media = content.find(lower(trim(media_type.substr(0, media_type.find(';')))));
  if (media == content.end()) return fmt::format("no answer of type {} is described", media_type);
  if (media->first.find("json") == std::string::npos) return "";
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error) return "not JSON: " + body;
  const Status checked = media->second.check(value);
  return checked ? "" : checked.error().message;
}

const Result<Contract>& built_in_contract() {
  static const Result<Contract> contract = [] {
    const std::string_view other = embedded::other_openapi ? embedded::other_openapi() : "";
    return Contract::parse(other.empty() ? embedded::openapi() : other);
  }();
  return contract;
}

Status contract_agrees() {
  const Result<Contract>& contract = built_in_contract();
  if (!contract) return std::unexpected(contract.error());
  std::string all;
  for (const std::string& one : contract->disagreements(route_table())) all += "\n  " + one;
  if (all.empty()) return {};
  return fail(Code::kInternal, "the routes and the contract, api/openapi.yaml, disagree:" + all);
}

}  // namespace paastech::api
