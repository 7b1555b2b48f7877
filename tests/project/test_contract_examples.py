"""The contract, api/openapi.yaml, says everything: what is asked for and answered has an example, each example fits its schema, and
each operation names what the HTTP server and the API answer to any request. (What a running Service answers: the tests
functional/test_contract*.)"""
import json
import os
import subprocess

from tests.support import python_tools
from tests.support.contract import CONTRACT, operations, resolved

PROBLEM, HTML = "application/problem+json", "text/html"
# Run by the Python that has jsonschema_rs: a JSON list of [where, schema, value] → a line for each that does not fit.
VALIDATE = """
import json, sys, jsonschema_rs
request = json.load(sys.stdin)
for where, schema, value in request["examples"]:
    validator = jsonschema_rs.Draft202012Validator(schema | {"components": request["components"]}, validate_formats=True)
    for error in validator.iter_errors(value):
        print(f"{where}: {'/'.join(map(str, error.instance_path))}: {error.message}"[:300])
"""

# What any request may be answered, whatever it asks for. By the HTTP server (src/net: http_read.cc, http_session.cc), mostly before
# a route is looked for, and always as a problem. It reads the bodies of all methods.
OF_THE_SERVER = {400, 408, 413, 417, 431, 500, 503, 505}
# By the API (src/api/http_api.cc), on pages in HTML. 422: a query parameter that the route does not take. 429: one asks too often.
OF_ALL = {422, 429, 500, 503}
# A body that is no JSON or form, also where none is asked for; 403: another site's page made the browser ask.
OF_CHANGES = {400, 403, 415}
OF_PARTS = {404}  # a `{part}` of the path names nothing
OF_LOGINS = {401, 403}  # pages lead to the login instead


def own_examples(node):
    """Of a media type, parameter or header, whose `examples` are named, or of a schema, whose are a list."""
    found = [node["example"]] if "example" in node else []
    named = node.get("examples", [])
    return found + ([each["value"] for each in named.values()] if isinstance(named, dict) else named)


def example_of(schema):
    """[an example] that a schema has, or that is made of those of all its parts; [] where it has none."""
    found = own_examples(schema) or own_examples(resolved(schema))
    if found:
        return found[:1]
    schema = resolved(schema)
    if schema.get("type") == "array":
        return [example_of(schema["items"])] if example_of(schema["items"]) else []
    if schema.get("type") == "object" and schema.get("properties"):
        parts = {name: example_of(each) for name, each in schema["properties"].items()}
        return [{name: part[0] for name, part in parts.items()}] if all(parts.values()) else []
    return []


def media_types():
    """(where, the operation's media type) of each body that is asked for and of each answer."""
    for method, path, operation, _ in operations():
        described = [("body", resolved(operation.get("requestBody", {})))]
        described += [(status, resolved(answer)) for status, answer in operation["responses"].items()]
        for what, each in described:
            for kind, media in each.get("content", {}).items():
                yield f"{method} {path} {what} {kind}", media


def reached(media):
    return own_examples(media) or example_of(media["schema"])


def written(node, where=""):
    """(where, schema, value) of each example that stands anywhere in the document."""
    if isinstance(node, list):
        for at, each in enumerate(node):
            yield from written(each, f"{where}/{at}")
    if not isinstance(node, dict):
        return
    schema = node.get("schema", {name: each for name, each in node.items() if name not in ("example", "examples")})
    yield from ((where, schema, value) for value in own_examples(node))
    for name, each in node.items():
        if name not in ("example", "examples", "enum", "const", "default"):
            yield from written(each, f"{where}/{name}")


def misfits(examples):
    done = subprocess.run([python_tools.program("python"), "-c", VALIDATE], capture_output=True, text=True,
                          input=json.dumps({"examples": examples, "components": CONTRACT["components"]}),
                          env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_body_and_each_answer_has_an_example():
    missing = [where for where, media in media_types() if not reached(media)]
    assert not missing, "\n".join(missing)
    text = {"type": "string"}
    assert not example_of({"type": "object", "properties": {"a": text | {"examples": ["x"]}, "b": text}}), "the control"
    assert not example_of({"type": "array", "items": text}), "the control"


def test_each_example_fits_its_schema():
    examples = list(written(CONTRACT))
    assert len(examples) > 100
    examples += [(where, media["schema"], value) for where, media in media_types() for value in reached(media)]
    found = misfits(examples)
    assert not found, found
    broken = [("extra", {"$ref": "#/components/schemas/Plan"}, {"name": "x", "limits": {}, "other": 1}), ("format", {"format": "uuid"}, "x")]
    assert {line.split(":")[0] for line in misfits(broken).splitlines()} == {"extra", "format"}, "the control"


def test_the_example_of_an_error_has_its_status():
    wrong = []
    for method, path, operation, _ in operations():
        for status, answer in operation["responses"].items():
            for value in own_examples(resolved(answer).get("content", {}).get(PROBLEM, {})):
                if value["status"] != int(status):
                    wrong.append(f"{method} {path} {status}: {value}")
    assert not wrong, "\n".join(wrong)


def required_answers(method, path, operation):
    """{status: the media types that it must have}"""
    page, security = "pages" in operation["tags"], operation.get("security", CONTRACT["security"])
    of_the_api = OF_ALL | (OF_CHANGES if method != "GET" else set()) | (OF_PARTS if "{" in path else set())
    if security and {} not in security and not page:
        of_the_api |= OF_LOGINS
    kinds = {status: {PROBLEM} for status in OF_THE_SERVER}
    for status in of_the_api:
        kinds.setdefault(status, set()).add(HTML if page else PROBLEM)
    return kinds


def test_each_operation_names_what_any_request_may_be_answered():
    missing = []
    for method, path, operation, _ in operations():
        for status, kinds in required_answers(method, path, operation).items():
            answer = operation["responses"].get(str(status))
            lacks = kinds - resolved(answer or {}).get("content", {}).keys()
            if answer is None or lacks:
                missing.append(f"{method} {path}: {status} {sorted(lacks)}")
    assert not missing, "\n".join(missing)


def test_what_is_of_no_operation_is_described_too():
    answer = CONTRACT["components"]["responses"]["MethodNotAllowed"]
    assert answer["headers"]["Allow"]["required"] and own_examples(answer["content"][PROBLEM])[0]["status"] == 405
    assert not [path for _, path, operation, _ in operations() if "405" in operation["responses"]]
    assert "405" in CONTRACT["info"]["description"] and "MethodNotAllowed" in CONTRACT["info"]["description"]
