"""Holds answers to api/openapi.yaml: reads a JSON list of [operationId, status, type, body] from the standard input and prints what
does not fit, a line each. Run by the Python that has jsonschema_rs (python_tools)."""
import json
import sys

import jsonschema_rs

from contract import CONTRACT, operations, resolved  # beside this file

def faults(operation, status, kind, body):
    described = operation["responses"].get(str(status))
    if described is None:
        return [f"may not answer {status}"]
    content = resolved(described).get("content", {})
    if not content:
        return [f"has a body of which nothing is said: {body[:80]!r}"] if body else []
    if kind not in content:
        return [f"answers {kind}, which is not described"]
    if not kind.endswith("json"):
        return []
    schema = content[kind].get("schema", {}) | {"components": CONTRACT["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}"[:300] for error in validator.iter_errors(json.loads(body))]


def main():
    described = {operation["operationId"]: operation for _, _, operation, _ in operations()}
    for name, status, kind, body in json.load(sys.stdin):
        for fault in faults(described[name], status, kind, body):
            print(f"{name} {status}: {fault}")


if __name__ == "__main__":
    main()
