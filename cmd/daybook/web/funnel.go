package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/projections"
)

// A figure is one measure's value on a page, and the way to what it is made
// of.
type figure struct {
	Measure string
	Words   string
	Value   string
	Href    string
	Note    string // the same in other units
	Sealed  string // what it was when the cycle closed, where it has changed since
}

// A group is figures about one thing.
type group struct {
	Title   string
	Figures []figure
}

// grouped sorts figures by what they count. A unit that is new comes last
// rather than nowhere.
func grouped(figures []figure) []group {
	groups := []group{{Title: "Applications"}, {Title: "Places"}, {Title: "Matches"}, {Title: "Sessions"}, {Title: "Reflections"}, {Title: "Training, supervision and events"}, {Title: "Other"}}
	units := [][]string{{"applications", "attempts"}, {"offers", "places"}, {"matches", "people"}, {"sessions", "minutes"}, {"reflections"}, {"attendances"}}
	for _, f := range figures {
		m, _ := measure.Find(f.Measure)
		unit := m.Unit
		if strings.HasPrefix(m.Over[0].Name, "attendance.") {
			unit = "attendances" // its people are not those of the matches
		}
		i := slices.IndexFunc(units, func(u []string) bool { return slices.Contains(u, unit) })
		if i < 0 {
			i = len(units)
		}
		groups[i].Figures = append(groups[i].Figures, f)
	}
	return slices.DeleteFunc(groups, func(g group) bool { return len(g.Figures) == 0 })
}

// figureOf prints a measure's value.
func figureOf(m measure.Measure, value int64, href string) figure {
	f := figure{Measure: m.Measure, Words: m.Words, Value: grouping(value), Href: href}
	if m.Unit == "minutes" && value >= 60 {
		f.Note = strconv.FormatInt(value/60, 10) + " h " + strconv.FormatInt(value%60, 10) + " min"
	}
	return f
}

// groupSeparator is a narrow space that breaks no line (ISO 80000-1, 7.3.1).
const groupSeparator = "\u202f"

// grouping parts thousands, so that a long number can be read.
func grouping(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + groupSeparator + s[i:]
	}
	return s
}

// A funnel is how many came how far: a picture and, beside it, a table of the
// same numbers.
type funnel struct {
	Height int
	Says   string // the picture in a sentence
	Sum    string // what the outcomes add up to
	Parts  []link // the outcomes
	Steps  []step
}

// A step is one bar, in the picture's own units, and one line of the table.
type step struct {
	Stage string
	Words string
	Count string
	Href  string // to the figure, where a measure says the same, or to those applications
	Exits []link // where those ended who came no further

	LabelY, BarY, Width int
}

const (
	funnelWidth = 400
	funnelStep  = 46
)

// funnelOf draws the stages that follow one another. A count leads to its
// explanation where the measure of that name has the same value, and to the
// list of those applications otherwise.
func (v *visit) funnelOf(f projections.Funnel, figures map[string]figure) funnel {
	stages := [][2]string{
		{projections.Started, "drafts_started"},
		{projections.Submitted, "applications_submitted"},
		{projections.Eligible, ""},
		{projections.Shortlisted, "applications_shortlisted"},
		{projections.Selected, ""},
		{projections.Offered, "offers_made"},
		{projections.Accepted, "places_filled"},
		{projections.Matched, "mentees_matched"},
		{projections.Completed, "matches_completed"},
	}
	most := 1
	for _, s := range f.Stages {
		most = max(most, s.Count)
	}
	var d funnel
	for _, stage := range stages {
		i := slices.IndexFunc(f.Stages, func(s projections.FunnelStage) bool { return s.Stage == stage[0] })
		if i < 0 {
			continue
		}
		n, y := f.Stages[i].Count, len(d.Steps)*funnelStep
		s := step{Stage: stage[0], Words: stageWords(stage[0]), Count: grouping(int64(n)), Href: v.to("/applications", "stage", stage[0]), Exits: v.exits(stage[0], f.Stages[i].Exits), LabelY: y + 18, BarY: y + 24, Width: n * funnelWidth / most}
		if m, ok := figures[stage[1]]; ok && m.Value == s.Count {
			s.Href = m.Href
		}
		d.Steps = append(d.Steps, s)
		if d.Says != "" {
			d.Says += ", "
		}
		d.Says += s.Words + " " + strconv.Itoa(n)
	}
	d.Height = len(d.Steps) * funnelStep
	if len(f.Outcomes) > 0 {
		d.Sum = "Submitted " + grouping(int64(f.Count(projections.Submitted)))
	}
	for _, o := range f.Outcomes {
		d.Parts = append(d.Parts, link{o.Words + " " + grouping(int64(o.Count)), v.to("/applications", "outcome", o.Words)})
	}
	return d
}

func stageWords(stage string) string {
	if stage == projections.Selected {
		return "Selected or in reserve"
	}
	return capital(stage)
}

// exits lists what became of those who came no further than a stage.
func (v *visit) exits(stage string, exits []projections.Exit) []link {
	links := make([]link, len(exits))
	for i, e := range exits {
		links[i] = link{grouping(int64(e.Count)) + " " + e.Words, v.to("/applications", "stage", stage, "exit", e.Words)}
	}
	return links
}
