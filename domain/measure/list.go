package measure

func count(measure, unit, words string, over ...Source) Measure {
	return Measure{Measure: measure, Version: 1, Words: words, Unit: unit, Fold: "count", Over: over, Scope: "cycle"}
}

func on(name string, where ...Condition) Source { return Source{name, where} }

func (m Measure) unless(key []string, names ...string) Measure {
	m.Key, m.Unless = key, names
	return m
}

func (m Measure) over(fold, of string) Measure {
	m.Fold, m.Of = fold, of
	return m
}

var (
	late     = Condition{Field: "late", Is: true}
	conforms = Condition{Field: "nonconformities", Empty: true}
	present  = Condition{Field: "present", Is: true}
	byRule   = Condition{Field: "basis", Is: "rule"}
)

func side(s string) Condition { return Condition{Field: "side", Is: s} }
func kind(k string) Condition { return Condition{Field: "kind", Is: k} }
func due(s string) Condition  { return Condition{Field: "reflections_due", Has: s} }

// held is a session as it was recorded or, where that was put right, as it
// was corrected; one that was retracted is none.
func held(measure, unit, words string, where ...Condition) Measure {
	return count(measure, unit, words, on("session.held", where...), on("session.corrected", where...)).
		unless([]string{"session"}, "session.corrected", "session.retracted")
}

// applied is what became of an application, unless all of that was a mistake.
func applied(measure, unit, words string, over ...Source) Measure {
	return count(measure, unit, words, over...).unless(nil, "application.retracted")
}

// attended is somebody's presence as it was recorded or as it was corrected,
// which may be to that they were not there.
func attended(measure, unit, words string, where ...Condition) Measure {
	return count(measure, unit, words, on("attendance.recorded", where...), on("attendance.corrected", append(where, present)...)).
		unless([]string{"person"}, "attendance.corrected")
}

// All lists the measures that every cycle has.
var All = []Measure{
	applied("drafts_started", "applications", "Applications begun", on("draft.started")),
	applied("applications_submitted", "applications", "Applications submitted, late ones included", on("application.received")),
	applied("applications_late", "applications", "Applications submitted after the deadline by permission", on("application.received", late)),
	count("submissions_refused", "attempts", "Attempts to submit that were refused", on("submission.refused")),
	applied("applications_withdrawn", "applications", "Applications withdrawn", on("application.withdrawn")),
	applied("applications_ineligible", "applications", "Applications that fail a criterion", on("eligibility.failed")),
	count("applications_shortlisted", "applications", "Applications shortlisted", on("application.shortlisted")),
	count("applications_not_selected", "applications", "Eligible applications not shortlisted, or declined after it", on("application.passed_over"), on("application.declined")),
	count("offers_made", "offers", "Offers of a place made", on("offer.made")),
	count("offers_declined", "offers", "Offers of a place declined", on("offer.declined")),
	count("reserves_released", "applications", "Applications in reserve for which no place came free", on("reserve.released")),
	count("places_filled", "places", "Places filled in the cycle", on("place.filled")).unless([]string{"cycle", "call", "person"}, "place.released"),
	inYear(count("places_filled_year", "places", "Places of the programme filled in the cycle's year", on("place.filled")).unless([]string{"cycle", "call", "person"}, "place.released")),

	count("matches_made", "matches", "Matches made, unwound ones included", on("match.made")),
	distinct(count("mentees_matched", "people", "Different mentees matched", on("match.made")), "mentee"),
	distinct(count("mentors_matched", "people", "Different mentors matched", on("match.made")), "mentor"),
	count("matches_active", "matches", "Matches made, neither unwound nor ended early", on("match.made")).unless(nil, "match.unwound", "match.ended"),

	count("sessions_scheduled", "sessions", "Sessions scheduled", on("session.scheduled")),
	held("sessions_held", "sessions", "Sessions held"),
	count("sessions_cancelled", "sessions", "Sessions cancelled, and not held after all", on("session.cancelled")).unless([]string{"session"}, "session.held", "session.corrected"),
	count("sessions_missed", "sessions", "Sessions that one side missed, and not held after all", on("session.missed")).unless([]string{"session"}, "session.held", "session.corrected"),
	held("session_minutes", "minutes", "Minutes of the sessions held").over("sum", "minutes"),
	held("sessions_conforming", "sessions", "Sessions held that conform to the plan and the agreement", conforms),
	count("matches_completed_by_rule", "matches", "Matches that meet the completion rule", on("match.completed", byRule)),
	count("matches_completed", "matches", "Matches completed, by rule or by waiver", on("match.completed")),

	held("reflections_due_mentee", "reflections", "Reflections due from mentees, one for each session held", due("mentee")),
	count("reflections_filed_mentee", "reflections", "Reflections on a session filed by mentees", on("reflection.filed", side("mentee"), kind("session"))),
	held("reflections_due_mentor", "reflections", "Reflections due from mentors, one for each session held", due("mentor")),
	count("reflections_filed_mentor", "reflections", "Reflections on a session filed by mentors", on("reflection.filed", side("mentor"), kind("session"))),
	count("reflections_final", "reflections", "Final reflections filed by mentees", on("reflection.filed", side("mentee"), kind("final"))),

	attended("attendances", "attendances", "Attendances at training, supervision and events"),
	distinct(attended("people_attending", "people", "Different people at training, supervision and events"), "person"),
	distinct(attended("people_supervised", "people", "Different people at supervision", kind("supervision")), "person"),
}

func distinct(m Measure, of string) Measure {
	m.Register = "participants" // of the programme, and its pool of mentors
	return m.over("distinct", of)
}

func inYear(m Measure) Measure {
	m.Scope = "year"
	return m
}

// Find gives a measure of All by name.
func Find(name string) (Measure, bool) {
	for _, m := range All {
		if m.Measure == name {
			return m, true
		}
	}
	return Measure{}, false
}
