package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	tasks "github.com/daybook-engine/daybook/domain/task"
	"github.com/daybook-engine/daybook/projections"
)

// queuePage is what is to be done, by whom, and by when.
type queuePage struct {
	frame
	People []taskLine
	Clock  []taskLine
	Pages  pager
	Bulk   *bulkForm
}

type taskLine struct {
	Key     string // where it can be chosen
	What    link
	Who     string
	Due     instant
	Left    string
	Overdue bool
	Command string
	Can     []stepLine
}

func (s *Server) showQueue(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r, r.PathValue("cycle"), "page")
	if err != nil {
		return err
	}
	defer v.close()
	people, clock, err := v.tasks()
	if err != nil {
		return err
	}
	p := queuePage{frame: v.frame("Queue", "Queue")}
	from, to, pages := v.paged(len(people))
	p.Pages = pages
	p.People = v.taskLines(people[from:to])
	if err := v.offerTasks(p.People, people[from:to]); err != nil {
		return err
	}
	if p.Bulk = v.bulking(len(people), ownStep, "task.claim", "task.complete", "task.delegate"); p.Bulk != nil {
		for i, t := range people[from:to] {
			p.People[i].Key = keyOf(t)
		}
	}
	p.Clock = v.taskLines(clock[:min(len(clock), v.most())])
	return s.render(w, http.StatusOK, "queue", p)
}

// keyOf tells items of the queue apart.
func keyOf(t projections.Item) string { return cmp.Or(t.Task, t.Command+" "+string(t.Args)) }

func (v *visit) pickTasks() (picks []pick, err error) {
	people, _, err := v.tasks()
	for _, t := range people {
		p := pick{key: keyOf(t), known: v.s.acting.Known(t.Args), step: t.Command, words: v.taskLine(t).What.Text}
		if t.Task != "" {
			p.known.Set("task", t.Task)
		}
		picks = append(picks, p)
	}
	return picks, err
}

// tasks are what people have to do, and what the clock will.
func (v *visit) tasks() (people, clock []projections.Item, err error) {
	list, err := v.views.Queue(v.ctx, v.cycle.Cycle, v.now)
	for _, t := range list {
		if t.Role == "clock" {
			clock = append(clock, t)
		} else {
			people = append(people, t)
		}
	}
	return people, clock, err
}

func (v *visit) taskLines(tasks []projections.Item) []taskLine {
	lines := make([]taskLine, len(tasks))
	for i, t := range tasks {
		lines[i] = v.taskLine(t)
	}
	return lines
}

// offerTasks offers on each line what can be done about it.
func (v *visit) offerTasks(lines []taskLine, tasks []projections.Item) error {
	list := make([]Offer, len(tasks))
	for i, t := range tasks {
		list[i] = Offer{Task: t.Task, Step: t.Command, With: t.Args}
	}
	found, err := v.offers(list...)
	for i := range found {
		lines[i].Can = found[i]
	}
	return err
}

// canWith is what can be done about a file, and about the tasks that it has.
func (v *visit) canWith(list []Offer, file string) ([]stepLine, error) {
	if v.s.acting == nil {
		return nil, nil
	}
	open, err := v.views.Tasks(v.ctx, v.cycle.Cycle, file)
	if err != nil {
		return nil, err
	}
	for _, t := range open {
		list = append(list, Offer{Task: t.Task})
	}
	return v.can(list...)
}

// tasksOf are the rows of the tasks about one file: who has to do what, or did.
func (v *visit) tasksOf(file string) (rows []row, err error) {
	list, err := v.views.Tasks(v.ctx, v.cycle.Cycle, file)
	for _, d := range list {
		r := row{Key: d.Opened.Plan.Text}
		if n := d.Opened.About.Session; n > 0 {
			r.Key += ", session " + strconv.Itoa(n)
		}
		who, state := "for any "+inWords(d.Opened.Role), "open"
		if p := d.Holder(v.now); p != "" {
			who = "for " + v.name(p) + ", " + inWords(d.Opened.Role)
		}
		if d.Escalated {
			who += ", or any " + inWords(d.Opened.Plan.Escalate.To)
		}
		switch due := d.Due(); {
		case d.Phase != tasks.Waiting:
			r.At, state = v.instant(d.ClosedAt), string(d.Phase)
			if d.By != "" {
				state += " by " + v.name(d.By)
			}
			if d.Closed != "" {
				state += ": " + inWords(strings.ReplaceAll(d.Closed, ".", " "))
			}
		case !due.IsZero():
			r.At, state = v.instant(due), "due, "+left(due, v.now)
		}
		r.Value, r.Note = text(state), who
		if !d.ClosedAt.IsZero() || !d.Due().IsZero() {
			r.Note = state + "; " + who
		}
		rows = append(rows, r)
	}
	return rows, err
}

func (v *visit) taskLine(t projections.Item) taskLine {
	file := v.fileOf(t.Stream)
	l := taskLine{What: link{v.spell(t.Words), file.Href}, Who: capital(inWords(t.Role)), Command: t.Command}
	if t.Person != "" {
		l.Who = v.name(t.Person) + ", " + inWords(t.Role)
	}
	if t.Also != "" {
		l.Who += ", or " + inWords(t.Also)
	}
	if t.Role == "clock" && file.Text != "" {
		l.What.Text += " (" + file.Text + ")"
	}
	if !t.Since.IsZero() {
		l.Left = "parked " + left(t.Since, v.now)
	}
	if t.Due.IsZero() {
		return l
	}
	l.Due, l.Left, l.Overdue = v.instant(t.Due), left(t.Due, v.now), t.Due.Before(v.now)
	return l
}
