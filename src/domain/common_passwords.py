#!/usr/bin/env python3
"""common_passwords.py LISTS OUT: writes OUT, a .cc that holds those of the 10,000 most common passwords that are long
enough to be taken otherwise. LISTS is frequency_lists.py of Debian's python3-zxcvbn; it is read, not run."""
import ast
import pathlib
import sys

COUNT = 10_000
SHORTEST = 10  # characters: what check_password asks for


def common(path):
    tree = ast.parse(pathlib.Path(path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values):
            # "passwords": "123456,password,…".split(","), the most common first
            if getattr(key, "value", None) == "passwords" and isinstance(value, ast.Call):
                return value.func.value.value.split(",")[:COUNT]
    sys.exit(f"{path}: there is no list of passwords; is it zxcvbn's?")


def literal(text):
    return '"' + "".join(c if c.isascii() and c.isalnum() else octal(c) for c in text) + '"'


def octal(character):
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def main(lists, out):
    found = common(lists)
    if len(found) != COUNT:
        sys.exit(f"{lists}: {len(found)} passwords, not {COUNT}")
    kept = sorted({p.lower().encode() for p in found if len(p) >= SHORTEST})
    rows = "".join(f"    {literal(p.decode())},\n" for p in kept)
    pathlib.Path(out).write_text(f"""#include "domain/password.h"

namespace paastech {{
namespace {{
constexpr std::string_view kCommon[] = {{
{rows}}};
}}

std::span<const std::string_view> common_passwords() {{ return kCommon; }}

}}  // namespace paastech
""")


if __name__ == "__main__":
    main(*sys.argv[1:])
