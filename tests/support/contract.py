"""The contract, api/openapi.yaml, as data. Needs nothing but yaml: contract_answers.py is run by another Python."""
import pathlib

import yaml

CONTRACT = yaml.safe_load((pathlib.Path(__file__).parents[2] / "api/openapi.yaml").read_text())
METHODS = {"get", "post", "put", "patch", "delete"}


def resolved(node):
    """What a reference means, or the node itself."""
    while "$ref" in node:
        reference, node = node["$ref"], CONTRACT
        for part in reference.split("/")[1:]:
            node = node[part]
    return node


def operations():
    """(method, path, operation, what all operations of the path have as parameters)"""
    for path, found in CONTRACT["paths"].items():
        for method in sorted(set(found) & METHODS):
            yield method.upper(), path, found[method], found.get("parameters", [])
