// Release makes what people download: for each system an archive with the
// programs, and its bill of materials, and the checksums of all of it.
//
//	go run ./.ci/release [-only linux/amd64] DIR
//
// The same commit and the same Go give the same bytes, whoever makes them.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

var (
	systems  = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}
	programs = []string{"daybook", "daybook-verify"}
)

func main() {
	log.SetFlags(0)
	only := flag.String("only", "", "make it for this system alone")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("release: expected the directory that is to have the archives")
	}
	if *only != "" {
		systems = []string{*only}
	}
	if err := release(flag.Arg(0)); err != nil {
		log.Fatal("release: ", err)
	}
}

func release(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var sums strings.Builder
	for _, system := range systems {
		made, err := archives(system)
		if err != nil {
			return fmt.Errorf("%s: %w", system, err)
		}
		for _, f := range made {
			if err := os.WriteFile(filepath.Join(dir, f.name), f.content, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.content), f.name)
			log.Printf("%s: %d bytes", f.name, len(f.content))
		}
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

type file struct {
	name    string
	content []byte
	mode    os.FileMode
}

// archives are a system's archive and its bill of materials.
func archives(system string) ([]file, error) {
	goos, goarch, ok := strings.Cut(system, "/")
	if !ok {
		return nil, errors.New("expected a system such as linux/amd64")
	}
	built, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(built)
	suffix := ""
	if goos == "windows" {
		suffix = ".exe"
	}
	var info *debug.BuildInfo
	var files []file
	for _, p := range programs {
		path := filepath.Join(built, p+suffix)
		c := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", path, "./cmd/"+p)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		if out, err := c.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{p + suffix, content, 0o755})
		if of, err := buildinfo.ReadFile(path); err != nil {
			return nil, err
		} else if info == nil {
			info = of // the verifier is made of less
		}
	}
	at, err := committed(info)
	if err != nil {
		return nil, err
	}
	licences, err := licences(info)
	if err != nil {
		return nil, err
	}
	files = append(files, file{"licences.txt", licences, 0o644})
	for _, name := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, content, 0o644})
	}
	name := fmt.Sprintf("daybook-%s-%s-%s", info.Main.Version, goos, goarch)
	var packed bytes.Buffer
	if goos == "windows" {
		err, suffix = packZip(&packed, name, files, at), ".zip"
	} else {
		err, suffix = packTar(&packed, name, files, at), ".tar.gz"
	}
	if err != nil {
		return nil, err
	}
	bom, err := billOfMaterials(info, at)
	return []file{{name: name + suffix, content: packed.Bytes()}, {name: name + ".cdx.json", content: bom}}, err
}

// committed is when what was built was committed. It must have been: or nobody
// else can make the same.
func committed(info *debug.BuildInfo) (at time.Time, err error) {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.modified"] != "false" {
		return at, errors.New("this is not a clean checkout: commit first")
	}
	return time.Parse(time.RFC3339, settings["vcs.time"])
}

func packTar(w io.Writer, dir string, files []file, at time.Time) error {
	zipped := gzip.NewWriter(w)
	t := tar.NewWriter(zipped)
	for _, f := range files {
		h := &tar.Header{Name: dir + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.content)), ModTime: at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), zipped.Close())
}

func packZip(w io.Writer, dir string, files []file, at time.Time) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: dir + "/" + f.name, Method: zip.Deflate, Modified: at.UTC()}
		h.SetMode(f.mode)
		part, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.content); err != nil {
			return err
		}
	}
	return z.Close()
}

var licenceFile = regexp.MustCompile(`(?i)(^|-)(licen[cs]e|copying|notice|patents)`)

// licences are the texts under which the parts are given, which ask to go with
// them.
func licences(info *debug.BuildInfo) ([]byte, error) {
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	add := func(name, dir string) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		found := false
		for _, e := range entries {
			if e.IsDir() || !licenceFile.MatchString(e.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			found = true
			fmt.Fprintf(&all, "==== %s: %s\n\n%s\n", name, e.Name(), text)
		}
		if !found {
			return fmt.Errorf("%s says nowhere under which licence it is given", name)
		}
		return nil
	}
	if err := add("Go "+info.GoVersion, strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	for _, m := range modules(info) {
		found, err := output("go", "mod", "download", "-json", m.Path+"@"+m.Version)
		var at struct{ Dir string }
		if err == nil {
			err = json.Unmarshal(found, &at)
		}
		if err == nil {
			err = add(m.Path+" "+m.Version, at.Dir)
		}
		if err != nil {
			return nil, err
		}
	}
	return all.Bytes(), add("The stylesheet of the pages", "cmd/daybook/web/static")
}

func output(name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	return c.Output()
}

// modules are what a program is made of besides itself.
func modules(info *debug.BuildInfo) (list []*debug.Module) {
	for _, m := range info.Deps {
		list = append(list, cmp.Or(m.Replace, m))
	}
	slices.SortFunc(list, func(a, b *debug.Module) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// billOfMaterials is CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/.
func billOfMaterials(info *debug.BuildInfo, at time.Time) ([]byte, error) {
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	of := func(kind, path, version string) component {
		return component{kind, path, version, "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")}
	}
	var bom struct {
		Format   string `json:"bomFormat"`
		Spec     string `json:"specVersion"`
		Version  int    `json:"version"`
		Metadata struct {
			Timestamp time.Time `json:"timestamp"`
			Component component `json:"component"`
		} `json:"metadata"`
		Components []component `json:"components"`
	}
	bom.Format, bom.Spec, bom.Version = "CycloneDX", "1.6", 1
	bom.Metadata.Timestamp, bom.Metadata.Component = at, of("application", info.Main.Path, info.Main.Version)
	bom.Components = []component{of("library", "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range modules(info) {
		bom.Components = append(bom.Components, of("library", m.Path, m.Version))
	}
	text, err := json.MarshalIndent(bom, "", "  ")
	return append(text, '\n'), err
}
