package definition

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/daybook-engine/daybook/domain/programme"
)

// An Edge is a way from one stage to the next. A beginning has no From, an end
// is To programme.Closed.
type Edge struct{ From, To string }

// A Path is how many of a real cycle went which way; Left are those who came
// no further than a stage. None is drawn where it is nil.
type Path struct {
	Edges map[Edge]int
	Left  map[string]int
}

// edges lists a definition's ways in the order in which they are drawn, each
// with its label.
func edges(d programme.Definition, p *Path) (list []Edge, labels map[Edge]string) {
	labels = map[Edge]string{}
	add := func(e Edge, words string) {
		list = append(list, e)
		if p != nil {
			words = strings.TrimPrefix(fmt.Sprintf("%s, %d", words, p.Edges[e]), ", ")
		}
		labels[e] = words
	}
	for i, s := range d.Stages {
		if d.Begins(i) {
			add(Edge{To: s.Stage}, "")
		}
		for _, n := range d.After(i) {
			words := n.When.Words()
			if p != nil && n.Stage == programme.Closed && len(d.After(i)) == 1 {
				words = "to the end" // beside those who left earlier
			}
			add(Edge{s.Stage, n.Stage}, words)
		}
		if p == nil || p.Left[s.Stage] == 0 {
			continue
		}
		end := Edge{s.Stage, programme.Closed}
		if _, drawn := labels[end]; !drawn {
			list = append(list, end)
		}
		labels[end] = strings.TrimPrefix(fmt.Sprintf("%s, left here %d", labels[end], p.Left[s.Stage]), ", ")
	}
	return list, labels
}

// Mermaid draws a definition's stages as a Mermaid state diagram.
func Mermaid(w io.Writer, d programme.Definition, p *Path) error {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, s := range d.Stages {
		fmt.Fprintf(&b, "    state \"%s\" as %s\n", mermaidText.Replace(s.Text), mermaidID(s.Stage))
	}
	list, labels := edges(d, p)
	for _, e := range list {
		fmt.Fprintf(&b, "    %s --> %s", mermaidID(e.From), mermaidID(e.To))
		if words := labels[e]; words != "" {
			fmt.Fprintf(&b, " : %s", mermaidText.Replace(words))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText leaves out what Mermaid reads as its own.
var mermaidText = strings.NewReplacer(`"`, "'", ":", "", ";", ",", "#", "", "\n", " ", "<", "(", ">", ")")

// mermaidID is a stage's id; it begins with what is no word of Mermaid's.
func mermaidID(stage string) string {
	if stage == "" || stage == programme.Closed {
		return "[*]"
	}
	return "s_" + strings.ReplaceAll(stage, "-", "_")
}

// The measures of the picture.
const (
	boxLeft, boxWidth, boxHeight = 230, 360, 40
	rowHeight                    = 92
	pictureWidth                 = 1000
	boxMiddle, boxRight          = boxLeft + boxWidth/2, boxLeft + boxWidth
)

// SVG draws a definition's stages as a picture: one below the other, ways that
// skip some of them at the right, ends at the left. What a cycle has gone is
// drawn bold.
func SVG(w io.Writer, d programme.Definition, p *Path) error {
	row := map[string]int{}
	for i, s := range d.Stages {
		row[s.Stage] = i
	}
	top := func(i int) int { return 70 + i*rowHeight }
	var b strings.Builder
	text := func(x, y int, anchor, class, words string) {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", x, y, anchor, class, escape(words))
	}
	height := top(len(d.Stages)) + 10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title">
<title id="title">The stages of %s</title>
<style>text{font:15px system-ui,sans-serif;fill:#0b0c0c}.name{font-size:19px;font-weight:bold}.label{font-size:13px}rect{fill:#f3f2f1;stroke:#505a5f}path{fill:none;stroke:#505a5f;stroke-width:1.5;marker-end:url(#head)}.gone{stroke:#1d70b8;stroke-width:3}circle{fill:#0b0c0c}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" style="fill:#505a5f;stroke:none;marker-end:none"/></marker></defs>
`, pictureWidth, height, escape(d.Title))
	text(20, 28, "start", "name", d.Title)
	for i, s := range d.Stages {
		fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", boxLeft, top(i), boxWidth, boxHeight)
		text(boxMiddle, top(i)+25, "middle", "stage", shorten(s.Text, 42))
	}
	list, labels := edges(d, p)
	for _, e := range list {
		class := ""
		if p != nil && (p.Edges[e] > 0 || e.To == programme.Closed && p.Left[e.From] > 0) {
			class = ` class="gone"`
		}
		from, to := row[e.From], row[e.To]
		switch {
		case e.From == "":
			y := top(to) - 26
			fmt.Fprintf(&b, "<circle cx=\"%d\" cy=\"%d\" r=\"6\"/><path%s d=\"M%d %dV%d\"/>\n", boxLeft+30, y, class, boxLeft+30, y+6, top(to))
			text(boxLeft+18, y+6, "end", "label", labels[e])
		case e.To == programme.Closed:
			y := top(from) + boxHeight/2
			fmt.Fprintf(&b, "<path%s d=\"M%d %dH%d\"/><circle cx=\"%d\" cy=\"%d\" r=\"6\"/>\n", class, boxLeft, y, boxLeft-34, boxLeft-42, y)
			text(boxLeft-54, y+4, "end", "label", cmp.Or(labels[e], "closed"))
		case to == from+1:
			fmt.Fprintf(&b, "<path%s d=\"M%d %dV%d\"/>\n", class, boxMiddle, top(from)+boxHeight, top(to))
			text(boxMiddle+10, top(from)+boxHeight+30, "start", "label", labels[e])
		default:
			far := boxRight + 80 + 16*max(to-from, from-to)
			a, z := top(from)+boxHeight/2+8, top(to)+boxHeight/2-8
			fmt.Fprintf(&b, "<path%s d=\"M%d %dC%d %d %d %d %d %d\"/>\n", class, boxRight, a, far, a, far, z, boxRight, z)
			text((boxRight+3*far)/4+8, (a+z)/2, "start", "label", labels[e])
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func escape(words string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(words)) // a Builder takes everything
	return b.String()
}

func shorten(words string, n int) string {
	if r := []rune(words); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return words
}
