"""The rules of the host that a Service made (src/pomegranate/firewall.cc): every packet of the host passes what is left."""
import hashlib
import subprocess


def _run(program, *words):
    return subprocess.run([program, "-w", "10", *words], capture_output=True, text=True)


def _rules(program):
    try:
        return [line.split() for line in _run(program, "-S").stdout.splitlines()]
    except FileNotFoundError:
        return []


def remove(instance):
    digest = hashlib.sha256(instance.encode()).hexdigest()
    tag = instance if len(instance) <= 12 else instance[:3] + "-" + digest[:8]
    chains = {f"PT-{tag}-IN", f"PT-{tag}-FW"}
    bridges = f"pt{digest[:4]}-+"
    for program in ("iptables", "ip6tables"):
        rules = _rules(program)
        for rule in rules:
            if rule[0] == "-A" and rule[1] not in chains and (rule[-1] in chains or bridges in rule):
                _run(program, "-D", *rule[1:])
        for chain in chains & {rule[1] for rule in rules if rule[0] == "-N"}:
            _run(program, "-F", chain)
            _run(program, "-X", chain)
