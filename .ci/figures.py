"""Recompute every figure of a cycle from the events alone, and compare.

Shares nothing with Daybook but the events it prints: no measure text, no view.
Usage: figures.py DAYBOOK DATA CYCLE
"""
import json
import subprocess
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

daybook, data, cycle = sys.argv[1:]


def ask(*args):
    out = subprocess.run([daybook, *args, "--data", data], check=True, capture_output=True, text=True).stdout
    return out


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


log = [json.loads(line) for line in ask("events", "--json").splitlines()]
plan = next(e["data"] for e in log if e["name"] == "cycle.planned" and e["stream"] == "cycle-" + cycle)


def mine(e):
    book = e["book"].removeprefix("rehearsal/")
    return book == "cycle/" + cycle or not book.startswith("cycle/") and e["data"].get("cycle") == cycle


def compute(events):
    own = []
    for e in filter(mine, events):
        if e["name"] == "application.retracted":  # only refused attempts stay of it
            own = [x for x in own if x["stream"] != e["stream"] or x["name"] == "submission.refused"]
        own.append(e)
    f = {}

    def n(name, test=lambda d: True, pool=own):
        return sum(1 for e in pool if e["name"] == name and test(e["data"]))

    f["drafts_started"] = n("draft.started")
    f["applications_submitted"] = n("application.received")
    f["applications_late"] = n("application.received", lambda d: d.get("late"))
    f["submissions_refused"] = n("submission.refused")
    f["applications_withdrawn"] = n("application.withdrawn")
    f["applications_ineligible"] = n("eligibility.failed")
    f["applications_shortlisted"] = n("application.shortlisted")
    f["applications_not_selected"] = n("application.passed_over") + n("application.declined")
    f["offers_made"] = n("offer.made")
    f["offers_declined"] = n("offer.declined")
    f["reserves_released"] = n("reserve.released")

    def filled(test):
        held = set()
        for e in events:
            d = e["data"]
            if e["name"] in ("place.filled", "place.released") and test(e, d):
                who = (e["stream"], d["cycle"], d["call"], d["person"])
                (held.add if e["name"] == "place.filled" else held.discard)(who)
        return len(held)

    f["places_filled"] = filled(lambda e, d: d["cycle"] == cycle)
    f["places_filled_year"] = filled(
        lambda e, d: d["year"] == plan["year"] and e["stream"] == "allocation-" + plan["programme"])

    made = {e["stream"]: e["data"] for e in own if e["name"] == "match.made"}
    gone = {e["stream"] for e in own if e["name"] in ("match.unwound", "match.ended")}
    f["matches_made"] = n("match.made")
    f["mentees_matched"] = len({d["mentee"] for d in made.values()})
    f["mentors_matched"] = len({d["mentor"] for d in made.values()})
    f["matches_active"] = len(set(made) - gone)

    sessions, off = {}, {"session.cancelled": {}, "session.missed": {}}
    for e in own:
        key = e["stream"], e["data"].get("session")
        if e["name"] in off:
            off[e["name"]].setdefault(key, []).append(e)
        if e["name"] in ("session.held", "session.corrected"):
            for kind in off.values():
                kind.pop(key, None)
            sessions[key] = e["data"]
        elif e["name"] == "session.retracted":
            sessions.pop(key, None)
    held = list(sessions.values())
    f["sessions_scheduled"] = n("session.scheduled")
    f["sessions_held"] = len(held)
    f["sessions_cancelled"] = sum(map(len, off["session.cancelled"].values()))
    f["sessions_missed"] = sum(map(len, off["session.missed"].values()))
    f["session_minutes"] = sum(d["minutes"] for d in held)
    f["sessions_conforming"] = sum(1 for d in held if not d.get("nonconformities"))
    f["matches_completed_by_rule"] = n("match.completed", lambda d: d["basis"] == "rule")
    f["matches_completed"] = n("match.completed")
    for side in ("mentee", "mentor"):
        f["reflections_due_" + side] = sum(1 for d in held if side in d.get("reflections_due", []))
        f["reflections_filed_" + side] = n("reflection.filed", lambda d: d["side"] == side and d["kind"] == "session")
    there = {}
    for e in own:
        if e["name"] in ("attendance.recorded", "attendance.corrected"):
            there[e["stream"], e["data"]["person"]] = e["data"]
    present = [d for d in there.values() if d["present"]]
    f["attendances"] = len(present)
    f["people_attending"] = len({d["person"] for d in present})
    f["people_supervised"] = len({d["person"] for d in present if d["kind"] == "supervision"})
    f["reflections_final"] = n("reflection.filed", lambda d: d["side"] == "mentee" and d["kind"] == "final")
    return f


def known(at):  # the longest prefix before the first event recorded later
    prefix = []
    for e in log:
        if when(e["recorded_at"]) > at:
            break
        prefix.append(e)
    return prefix


# A record and its corrections have one date, the one that is now known.
records = ("session.held", "session.corrected", "session.retracted")
moved = {(e["stream"], e["data"]["session"]): e["occurred_at"] for e in log if e["name"] in records[1:]}


def happened(e):
    if e["name"] in records:
        return when(moved.get((e["stream"], e["data"]["session"]), e["occurred_at"]))
    return when(e["occurred_at"])


def months():
    first, last = when(log[0]["recorded_at"]), when(log[-1]["recorded_at"])
    year, month, zone = first.year, first.month, ZoneInfo(plan["zone"])
    while True:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        # The last microsecond of the month, local time.
        at = datetime.fromtimestamp(datetime(year, month, 1, tzinfo=zone).timestamp() - 1e-6, timezone.utc)
        yield at
        if at > last:
            return


compared = wrong = 0
for at in months():
    for clock in ("recorded", "occurred"):
        events = known(at) if clock == "recorded" else [e for e in log if happened(e) <= at]
        if not any(e["name"] == "cycle.planned" and e["stream"] == "cycle-" + cycle for e in events):
            continue  # there was no such cycle yet
        want = compute(events)
        told = json.loads(ask("figures", "--cycle", cycle, "--json", "--clock", clock, "--at", at.isoformat().replace("+00:00", "Z")))
        got = {x["measure"]: x["value"] for x in told}
        for name in sorted(want.keys() | got.keys()):
            compared += 1
            if want.get(name) != got.get(name):
                wrong += 1
                print(f"{name} at {at} on the {clock} clock: recomputed {want.get(name)}, told {got.get(name)}")
print(f"figures: {compared - wrong} passed, {wrong} failed")
sys.exit(bool(wrong))
