"""What must hold of a Project once a Service has converged: one live Deployment, exactly its Instances, nothing besides."""
import dataclasses
import http.client

from .service import wait_for
from .visitors import Beside

ENDED = ("live", "superseded", "failed", "cancelled")


@dataclasses.dataclass(frozen=True)
class Held:
    """version: of the program that visitors meet; mark: its variable MARK; count: its Instances of `web`."""
    version: str
    mark: str | None
    count: int


class NotYet(Exception):
    """Something that is asked for is not there (yet)."""


def containers(service):
    """By name, all that is the Service's: by its own name or, as the steps of a build, by the network that it is on."""
    listed = service.docker.call("GET", "/containers/json?all=1")[1]
    named = {each["Names"][0][1:]: each for each in listed if each["Names"]}
    return {name: each for name, each in named.items() if name.startswith(f"{service.instance}.")
            or each["HostConfig"]["NetworkMode"].startswith(f"{service.instance}-")}


def networks(service):
    listed = service.docker.call("GET", "/networks")[1]
    return {each["Name"] for each in listed if each["Name"].startswith(f"{service.instance}-")}


def images(service, projects):
    """Names of the Projects' images, and of the layers that a build is at work on."""
    listed = [tag for image in service.docker.call("GET", "/images/json")[1] for tag in image["RepoTags"] or []]
    ours = [f"paastech/{project}:" for project in projects] + [f"paastech/build:{service.instance}."]
    return [tag for tag in listed if tag.startswith(tuple(ours))]


def repositories(service):
    return {path.name.removesuffix(".git") for path in service.home.glob("**/repositories/*.git")}


def differs(what, found, expected):
    found, expected = set(found), set(expected)
    return ([f"{what} too many: {sorted(found - expected)}"] if found - expected else []) + \
        ([f"{what} missing: {sorted(expected - found)}"] if expected - found else [])


def asked(client, path):
    answer = client.call("GET", path)
    if answer.status != 200:
        raise NotYet(f"GET {path}: {answer}")
    return answer.json()


def group_of(live, rows):
    """The Deployment that made the Instances: a change of scale goes on with those of the one before it."""
    before = [row for row in rows if row["state"] == "superseded" and row["number"] < live["number"]]  # the newest first
    while live["cause"] == "scale" and before:
        live = before.pop(0)
    return live["number"]


def look(service, client, name):
    """What is wrong with a Project that should serve, as sentences; its Deployments; and what holds."""
    project = asked(client, f"/projects/{name}")
    rows = asked(client, f"/projects/{name}/deployments?limit=100")["items"]
    wrong = [f"deployment {row['number']} is {row['state']}" for row in rows if row["state"] not in ENDED]
    # What was acknowledged is tried until it holds; a push may fail, and says why.
    wrong += [f"deployment {row['number']}, a {row['cause']}, failed: {row['message']!r}" for row in rows
              if row["state"] == "failed" and (row["cause"] != "push" or not row["message"])]
    live = [row for row in rows if row["state"] == "live"]
    if len(live) != 1 or project["state"] != "live":
        raise NotYet("; ".join([f"the Project is {project['state']}, {len(live)} deployments are live", *wrong]))
    number = group_of(live[0], rows)
    counts = {each["name"]: each["count"] for each in asked(client, f"/projects/{name}/processes")["items"]}
    there = containers(service)
    wrong += differs("containers", there, [f"{service.instance}.{project['id']}.{number}.{process}.{index}"
                                           for process, count in counts.items() for index in range(count)])
    wrong += differs("networks", networks(service), {f"{service.instance}-{project['id']}"})
    wrong += differs("layers of builds", images(service, []), [])
    wrong += differs("repositories", repositories(service), {project["id"]})
    marks = set()
    for container, each in there.items():
        details = service.docker.inspect(each["Id"])
        if "Config" not in details:
            raise NotYet(f"{container} has just gone")
        environment = dict(variable.split("=", 1) for variable in details["Config"]["Env"])
        marks.add(environment.get("MARK"))
        is_so = {"status": details["State"]["Status"], "restart": details["HostConfig"]["RestartPolicy"]["Name"],
                 "image": details["Config"]["Image"], "deployment": environment.get("PAASTECH_DEPLOYMENT")}
        should = {"status": "running", "restart": "unless-stopped", "image": live[0]["image"], "deployment": str(number)}
        wrong += [f"{container}: {key} is {is_so[key]}, not {should[key]}" for key in should if is_so[key] != should[key]]
    visit = service.visit(name)
    if visit.status != 200 or len(marks) != 1:
        raise NotYet("; ".join([f"a visitor gets {visit}, MARK is {marks}", *wrong]))
    return wrong, rows, Held(visit.text.split()[0], marks.pop(), counts.get("web", 0))


def look_for_remains(service, client, name, projects):
    """What is wrong where the Project of that name, and all of these ids, should be gone."""
    answer = client.call("GET", f"/projects/{name}")
    wrong = [] if answer.status == 404 else [f"the Project is there: {answer}"]
    wrong += differs("containers", containers(service), []) + differs("networks", networks(service), [])
    return wrong + differs("images", images(service, projects), []) + differs("repositories", repositories(service), [])


class Onlookers(Beside):
    """Visitors while something dies and comes back: each meets what was live or what is asked for. Where the victim is the
    ingress too, it refuses them while it is away; where the strategy is `recreate`, it may say that nothing runs."""

    def __init__(self, world):
        super().__init__(self.run)
        self.world, self.answered, self.failures = world, 0, []

    def run(self):
        world = self.world
        while not self.done.is_set():
            away, expected = world.away(), world.versions
            try:
                answer = world.service.visit(world.name, timeout=10)
                gap = world.strategy == "recreate" and answer.status == 503
                met = answer.status == 200 and answer.text.split()[0]
                if not gap and met not in expected | world.versions:
                    self.failures.append(f"{answer} where {sorted(expected | world.versions)} may serve")
                self.answered += answer.status == 200
            except (OSError, http.client.HTTPException) as error:
                # The connection ends a moment before the process is seen to have ended.
                if not away and not wait_for(world.away, "the victim to be away", 1, fails=False):
                    self.failures.append(repr(error))
            self.done.wait(0.05)

    def __exit__(self, kind, *_):
        super().__exit__()
        if kind is None:
            assert not self.failures and self.answered > 0, (self.answered, self.failures[:3])
