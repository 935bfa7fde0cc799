"""Drives the unmodified `rapidpro-python` client against a service: arguments are its address and a token."""

import sys

from temba_client.exceptions import TembaBadRequestError, TembaNoSuchObjectError, TembaTokenError
from temba_client.v2 import TembaClient

address, token = sys.argv[1:3]
client = TembaClient(address, token)

workspace = client.get_org()
assert workspace.timezone == "Africa/Kigali", workspace.timezone
assert not workspace.anon

fields = {field.key: field.type for field in client.get_fields().all()}
assert fields["age"] == "number" and fields["dob"] == "datetime", fields
assert client.get_fields(key="age").first().name == "Age"

# Pages follow each other, each contact once, those modified last first.
contacts = client.get_contacts().all()
pages = list(client.get_contacts().iterfetches())
assert len(pages) > 1 and all(len(page) == 250 for page in pages[:-1]), [len(page) for page in pages]
uuids = [contact.uuid for contact in contacts]
assert len(uuids) == len(set(uuids)) > 250, len(uuids)
moments = [contact.modified_on for contact in contacts]
assert moments == sorted(moments, reverse=True)
upwards = [contact.uuid for contact in client.get_contacts(reverse=True).all()]
assert sorted(upwards) == sorted(uuids)
cursor = client.get_contacts().iterfetches()
first = next(cursor)
again = client.get_contacts().iterfetches(resume_cursor=cursor.get_cursor())
assert [contact.uuid for contact in first + sum(again, [])] == uuids

middle = moments[len(moments) // 2]
before = client.get_contacts(before=middle).all()
after = client.get_contacts(after=middle).all()
assert {contact.uuid for contact in before} | {contact.uuid for contact in after} == set(uuids)
assert all(contact.modified_on <= middle for contact in before)
assert all(contact.modified_on >= middle for contact in after)

groups = client.get_groups().all()
smart = next(group for group in groups if group.name == "Small babies")
assert smart.query == "fields.birth_weight < 2.5" and smart.status == "ready" and smart.count > 0, smart.serialize()
members = client.get_contacts(group="Small babies").all()
assert len(members) == smart.count
assert len(client.get_contacts(group=smart).all()) == smart.count
assert client.get_contacts(group="No such group").all() == []
assert client.get_groups(uuid=smart.uuid).first().name == "Small babies"

# Creates, edits by uuid and by address, and groups contacts.
made = client.create_group(name="Testing")
assert made.query is None and made.count == 0
ann = client.create_contact(
    name="Ann Python", language="eng", urns=["tel:+250780000101"], fields={"age": "17", "birth_weight": 2.1}, groups=[made.uuid]
)
assert ann.name == "Ann Python" and ann.urns == ["tel:+250780000101"] and ann.fields["age"] == "17"
assert {group.name for group in ann.groups} >= {"Testing", "Small babies"}, ann.serialize()
assert client.get_contacts(uuid=ann.uuid).first().name == "Ann Python"
assert client.get_contacts(urn="tel:+250780000101").first().uuid == ann.uuid
assert client.get_contacts().first().uuid == ann.uuid, "what was modified last comes first"
bob = client.create_contact(name="Bob", urns=["tel:+250780000102"])
renamed = client.update_contact(ann, name="Ann of Python", fields={"age": "41"})
assert (renamed.uuid, renamed.name, renamed.fields["age"], renamed.language) == (ann.uuid, "Ann of Python", "41", "eng")
by_urn = client.update_contact("tel:+250780000102", language="fra")
assert (by_urn.uuid, by_urn.language, by_urn.name) == (bob.uuid, "fra", "Bob")
client.bulk_add_contacts([bob, "tel:+250780000101"], group=made)
assert client.get_groups(uuid=made.uuid).first().count == 2
client.bulk_remove_contacts([ann.uuid], group="Testing")
assert [contact.uuid for contact in client.get_contacts(group="Testing").all()] == [bob.uuid]
client.bulk_block_contacts([bob])
assert client.get_contacts(uuid=bob.uuid).first().status == "blocked"
client.bulk_unblock_contacts([bob])
assert client.get_contacts(uuid=bob.uuid).first().status == "active"
client.bulk_interrupt_contacts([bob])
assert client.update_group(made, name="Tested").name == "Tested"


def refused(part, work):
    try:
        work()
    except TembaBadRequestError as error:
        assert part in error.errors, error.errors
    else:
        raise AssertionError(f"{part} was taken")


refused("fields", lambda: client.create_contact(name="X", urns=["tel:+250780000103"], fields={"no_such": "1"}))
refused("groups", lambda: client.create_contact(name="X", urns=["tel:+250780000103"], groups=["No such group"]))
refused("groups", lambda: client.create_contact(name="X", urns=["tel:+250780000103"], groups=[smart.uuid]))
refused("urns", lambda: client.create_contact(name="X", urns=["tel:+250780000101"]))
refused("urns", lambda: client.create_contact(name="X", urns=["nothing"]))
refused("language", lambda: client.update_contact(bob, language="klingon"))
refused("group", lambda: client.bulk_add_contacts([bob], group=smart))
refused("contacts", lambda: client.bulk_block_contacts(["00000000-0000-4000-8000-000000000000"]))
refused("name", lambda: client.create_group(name="Tested"))
assert client.get_contacts(urn="tel:+250780000103").first() is None, "what was refused had no effect"

client.delete_contact(bob)
assert client.get_contacts(uuid=bob.uuid).first() is None
assert bob.uuid in [contact.uuid for contact in client.get_contacts(deleted=True).all()]
client.bulk_delete_contacts([ann])
client.delete_group(made)
for work in (lambda: client.delete_group(made), lambda: client.delete_contact(ann), lambda: client.update_contact(ann, name="X")):
    try:
        work()
    except TembaNoSuchObjectError:
        pass
    else:
        raise AssertionError("what is gone was found")
try:
    TembaClient(address, "wrong-token-of-letters").get_groups().all()
except TembaTokenError:
    pass
else:
    raise AssertionError("a wrong token was taken")
print("done")
