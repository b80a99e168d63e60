package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/cmd/daybook-verify/verify"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/projections"
)

func newEvidence() *cobra.Command {
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Make packs by which others check figures without trusting anybody",
		Args:  args(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newEvidencePack())
	return c
}

func newEvidencePack() *cobra.Command {
	var cycle, funder, out, since, policyOut string
	c := &cobra.Command{
		Use:   "pack --cycle CYCLE --for FUNDER --out PACK.zip",
		Short: "Make a pack of a cycle's figures and of the records that prove them",
		Long: `Make a pack of a cycle's figures and of the records that prove them, to be checked
offline with daybook-verify. Events are in it as headers, and those that are
counted with their content: no names and no personal text, but dates, codes, the
organisation an application came from, and a person's id wherever the person acts.
Whoever knows the people may tell who is meant: give a pack to whom you would give
such a list. The pack is signed with ledger.key (DAYBOOK_LEDGER_KEY_FILE moves it), which the funder must
know from elsewhere: --policy-out writes the file that says so.`,
		Example: "  daybook evidence pack --cycle nemo-2023-autumn --for nemo-board --out autumn.zip --policy-out policy",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if strings.ContainsFunc(funder, unicode.IsControl) {
				return usage{errors.New("--for: a control character")}
			}
			var older []byte
			if since != "" {
				var err error
				if older, err = readFile(since); err != nil {
					return err
				}
			}
			b, err := openBook(c)
			if err != nil {
				return err
			}
			defer b.Close()
			pack, policy, err := b.pack(c.Context(), cycle, funder, older)
			if err != nil {
				return err
			}
			if err := os.WriteFile(out, pack, 0o600); err != nil {
				return err
			}
			if policyOut != "" {
				if err := os.WriteFile(policyOut, policy, 0o600); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %d bytes, verified; %s", out, len(pack), policy)
			fmt.Fprintf(c.ErrOrStderr(), "give the two lines (--policy-out) to %s by another way than the pack: who can change both can change what they prove\n", funder)
			return nil
		},
	}
	cycleFlag(c, &cycle)
	c.Flags().StringVar(&funder, "for", "", "for whom: a label")
	c.Flags().StringVar(&out, "out", "", "file of the pack")
	c.Flags().StringVar(&since, "since", "", "an older pack of the cycle; this one proves that it continues it")
	c.Flags().StringVar(&policyOut, "policy-out", "", "file for the policy that a verifier needs")
	for _, required := range []string{"for", "out"} {
		if err := c.MarkFlagRequired(required); err != nil {
			panic(err) // the flag was made above
		}
	}
	return c
}

// pack makes a cycle's pack and checks it, as whoever gets it will: what it
// gives passes.
func (b *book) pack(ctx context.Context, cycle, funder string, since []byte) (pack, policy []byte, err error) {
	ledger, err := b.ledger()
	if err != nil {
		return nil, nil, err
	}
	policy = []byte("log " + ledger.VKey + "\nquorum none\n")
	trusted, err := verify.ReadPolicy(policy)
	if err != nil {
		return nil, nil, err
	}
	var older *verify.Pack
	if since != nil {
		if older, err = verify.Check(since, trusted, nil); err != nil {
			return nil, nil, fmt.Errorf("the older pack: %w", err)
		}
		if older.Claims.Cycle != cycle {
			return nil, nil, usage{fmt.Errorf("--since: a pack of %s, which one of %s would say nothing of; expected an older pack of the same cycle", older.Claims.Cycle, cycle)}
		}
	}
	if err := b.views.CatchUp(ctx); err != nil {
		return nil, nil, err
	}
	claims, err := b.claims(ctx, cycle, funder)
	if err != nil {
		return nil, nil, err
	}
	text := claims.Text()
	sum := sha256.Sum256(text)
	stated, err := ledger.State(ctx, base64.RawURLEncoding.EncodeToString(sum[:]))
	if err != nil {
		return nil, nil, err
	}
	headers, bodies, err := b.leaves(ctx, claims.Books)
	if err != nil {
		return nil, nil, err
	}
	files := []verify.File{
		{Name: "README.txt", Body: []byte(verify.Readme(cycle, ledger.Origin, ledger.VKey))}, {Name: "claims.json", Body: text},
		{Name: "headers.jsonl", Body: headers}, {Name: "bodies.jsonl", Body: bodies},
		{Name: "ledger.jsonl", Body: stated.Leaves}, {Name: "checkpoint", Body: stated.Checkpoint},
	}
	if since != nil {
		proof, err := verify.ProveSince(stated.Leaves, older.Ledger.N)
		if err != nil {
			return nil, nil, fmt.Errorf("the older pack: %w", err)
		}
		files = append(files, verify.File{Name: "since.txt", Body: proof})
	}
	files = append(files, verify.File{Name: "manifest.json", Body: verify.Manifest(files)})
	if pack, err = zipped(files); err != nil {
		return nil, nil, err
	}
	if _, err := verify.Check(pack, trusted, since); err != nil {
		return nil, nil, fmt.Errorf("%w: the pack would not pass: %w", ErrIntegrity, err)
	}
	return pack, policy, nil
}

// claims are what the pack says.
func (b *book) claims(ctx context.Context, id, funder string) (c verify.Claims, err error) {
	cycle, err := b.views.Cycle(ctx, id)
	if err != nil {
		return c, err
	}
	figures, err := b.views.Figures(ctx, id)
	if err != nil {
		return c, err
	}
	c = verify.Claims{V: 1, For: funder, Cycle: id, Programme: cycle.Programme, Year: cycle.Year, Position: b.views.Position().String()}
	for _, name := range []string{"cycle/" + id, "programme/" + cycle.Programme} {
		if cycle.Rehearsal {
			name = "rehearsal/" + name
		}
		c.Books = append(c.Books, name)
	}
	for i, f := range figures {
		said := verify.Figure{Measure: f.Measure, Version: f.Version, Value: f.Value}
		if scope := measure.All[i].Scope; scope != "cycle" && scope != "year" {
			said.Value, said.LeftOut = 0, "it rests on books other than the cycle's and the programme's"
		}
		c.Figures = append(c.Figures, said)
	}
	c.Measures, err = json.Marshal(measure.All)
	return c, err
}

// leaves gives the lines of headers.jsonl, and of bodies.jsonl: the events
// that measures name, and the cycle's plan, which names programme and year.
func (b *book) leaves(ctx context.Context, names []string) (headers, bodies []byte, err error) {
	books, err := b.views.Books(ctx)
	if err != nil {
		return nil, nil, err
	}
	needed := map[string]bool{"cycle.planned": true}
	for _, m := range measure.All {
		for _, name := range m.Names() {
			needed[name] = true
		}
	}
	for _, name := range names {
		i := slices.IndexFunc(books, func(b projections.Book) bool { return b.Book == name })
		if i < 0 {
			return nil, nil, projections.ErrBook.Because(name)
		}
		leaves, err := b.views.Leaves(ctx, name, books[i].Size)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range leaves {
			headers = append(append(headers, l.Header...), '\n')
			if needed[l.Name] {
				bodies = fmt.Appendf(bodies, "%q\n", l.Disclosure)
			}
		}
	}
	return headers, bodies, nil
}

// zipped packs files: in their order, without times, so that the same files
// are the same pack.
func zipped(files []verify.File) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		into, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := into.Write(f.Body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
