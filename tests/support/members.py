"""Making somebody a member of a Project, over the API."""
import urllib.parse


def invite(owner, name, guest, role):
    """Makes guest a member, by the link that the owner got."""
    made = owner.call("POST", f"/projects/{name}/invitations", {"email": guest.email, "role": role})
    assert made.status == 201, made
    return accept(guest, made.json()["link"])


def secret_of(link):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["secret"][0]


def accept(guest, link):
    return guest.call("POST", "/invitations/accept", {"secret": secret_of(link)})
