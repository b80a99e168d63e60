package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/workflows/document"
)

// nations are the public holidays of places, by their codes of ISO 3166.
var nations = map[string][]*cal.Holiday{
	"AT":     at.Holidays,
	"AU-ACT": au.HolidaysACT,
	"AU-NSW": au.HolidaysNSW,
	"AU-NT":  au.HolidaysNT,
	"AU-QLD": au.HolidaysQLD,
	"AU-SA":  au.HolidaysSA,
	"AU-TAS": au.HolidaysTAS,
	"AU-VIC": au.HolidaysVIC,
	"AU-WA":  au.HolidaysWA,
	"BE":     be.Holidays,
	"BG":     bg.Holidays,
	"BR":     br.Holidays,
	"CA":     ca.Holidays,
	"CH":     ch.Holidays,
	"CH-AG":  ch.HolidaysAG,
	"CH-AI":  ch.HolidaysAI,
	"CH-AR":  ch.HolidaysAR,
	"CH-BE":  ch.HolidaysBE,
	"CH-BL":  ch.HolidaysBL,
	"CH-BS":  ch.HolidaysBS,
	"CH-FR":  ch.HolidaysFR,
	"CH-GE":  ch.HolidaysGE,
	"CH-GL":  ch.HolidaysGL,
	"CH-GR":  ch.HolidaysGR,
	"CH-JU":  ch.HolidaysJU,
	"CH-LU":  ch.HolidaysLU,
	"CH-NE":  ch.HolidaysNE,
	"CH-NW":  ch.HolidaysNW,
	"CH-OW":  ch.HolidaysOW,
	"CH-SG":  ch.HolidaysSG,
	"CH-SH":  ch.HolidaysSH,
	"CH-SO":  ch.HolidaysSO,
	"CH-SZ":  ch.HolidaysSZ,
	"CH-TG":  ch.HolidaysTG,
	"CH-TI":  ch.HolidaysTI,
	"CH-UR":  ch.HolidaysUR,
	"CH-VD":  ch.HolidaysVD,
	"CH-VS":  ch.HolidaysVS,
	"CH-ZG":  ch.HolidaysZG,
	"CH-ZH":  ch.HolidaysZH,
	"CZ":     cz.Holidays,
	"DE":     de.Holidays,
	"DE-BB":  de.HolidaysBB,
	"DE-BE":  de.HolidaysBE,
	"DE-BW":  de.HolidaysBW,
	"DE-BY":  de.HolidaysBY,
	"DE-HB":  de.HolidaysHB,
	"DE-HE":  de.HolidaysHE,
	"DE-HH":  de.HolidaysHH,
	"DE-MV":  de.HolidaysMV,
	"DE-NI":  de.HolidaysNI,
	"DE-NW":  de.HolidaysNW,
	"DE-RP":  de.HolidaysRP,
	"DE-SH":  de.HolidaysSH,
	"DE-SL":  de.HolidaysSL,
	"DE-SN":  de.HolidaysSN,
	"DE-ST":  de.HolidaysST,
	"DE-TH":  de.HolidaysTH,
	"DK":     dk.Holidays,
	"ES":     es.Holidays,
	"FR":     fr.Holidays,
	"GB":     gb.Holidays,
	"GR":     gr.Holidays,
	"HR":     hr.Holidays,
	"IE":     ie.Holidays,
	"IT":     it.Holidays,
	"JP":     jp.Holidays,
	"LT":     lt.Holidays,
	"LV":     lv.Holidays,
	"NL":     nl.Holidays,
	"NO":     no.Holidays,
	"NZ":     nz.Holidays,
	"PL":     pl.Holidays,
	"RO":     ro.Holidays,
	"SE":     se.Holidays,
	"SI":     si.Holidays,
	"SK":     sk.Holidays,
	"UA":     ua.Holidays,
	"US":     us.Holidays,
	"ZA":     za.Holidays,
}

// rulesOf is the year of the rules, those of the module that has them: a newer
// version of it has newer ones.
const rulesOf = 2023

// countries are what the codes begin with.
var countries = map[string]string{
	"AT": "Austria", "AU": "Australia", "BE": "Belgium", "BG": "Bulgaria", "BR": "Brazil", "CA": "Canada", "CH": "Switzerland", "CZ": "Czechia",
	"DE": "Germany", "DK": "Denmark", "ES": "Spain", "FR": "France", "GB": "England and Wales", "GR": "Greece", "HR": "Croatia", "IE": "Ireland",
	"IT": "Italy", "JP": "Japan", "LT": "Lithuania", "LV": "Latvia", "NL": "Netherlands", "NO": "Norway", "NZ": "New Zealand", "PL": "Poland",
	"RO": "Romania", "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia", "UA": "Ukraine", "US": "United States", "ZA": "South Africa",
}

// countryOf is the country that a place is in, or is.
func countryOf(place string) string {
	code, _, _ := strings.Cut(place, "-")
	return countries[code]
}

// unlisted is the answer to a place without a list. Those of other countries are
// nothing that anybody meant.
func unlisted(place string) error {
	if countryOf(place) == "" {
		return usage{fmt.Errorf("there is no list for %s: write the days yourself, as calendar in the definition; daybook holidays tells the places that have one", place)}
	}
	near := slices.DeleteFunc(slices.Sorted(maps.Keys(nations)), func(p string) bool { return countryOf(p) != countryOf(place) })
	return usage{fmt.Errorf("expected a place such as DE-BE, found %s", document.Suggest(place, near))}
}

func newHolidays() *cobra.Command {
	var years string
	c := &cobra.Command{
		Use:   "holidays [PLACE --years YEARS]",
		Short: "Write a place's public holidays as a definition's calendar",
		Long: `Write a place's public holidays as the calendar of a definition, for the years that
its cycles reach. Put it into the definition, look through it, and add the days on
which your organisation is closed: what a definition says is kept in the log with it,
and nothing is looked up when working days are counted. Without a place, list them.

The holidays are reckoned by rules that are years old: governments change their minds.
Those of GB are the holidays of England and Wales.`,
		Example: "  daybook holidays DE-BE --years 2026-2027",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			out := c.OutOrStdout()
			if len(given) == 0 {
				for _, place := range slices.Sorted(maps.Keys(nations)) {
					if _, err := fmt.Fprintf(out, "%-6s  %s\n", place, countryOf(place)); err != nil {
						return err
					}
				}
				return nil
			}
			place := strings.ToUpper(given[0])
			if nations[place] == nil {
				return unlisted(place)
			}
			from, to, err := parseYears(years)
			if err != nil {
				return err
			}
			return writeCalendar(out, place, from, to)
		},
	}
	c.Flags().StringVar(&years, "years", "", "the years: 2026, or 2026-2028")
	return c
}

// parseYears reads 2026 or 2026-2028: not so many that a definition could not
// hold their days.
func parseYears(text string) (from, to int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	from, err = strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	if errors.Join(err, errTo) != nil || from < 1970 || to > 2200 || to < from || to-from > 5 {
		return 0, 0, usage{fmt.Errorf("--years %q: expected a year such as 2026, or up to six as 2026-2028", text)}
	}
	return from, to, nil
}

func writeCalendar(w io.Writer, place string, from, to int) error {
	days := map[string]string{}
	for year := from - 1; year <= to+1; year++ { // a day may be made up for in another year
		for _, h := range nations[place] {
			actual, observed := h.Calc(year)
			for _, day := range []time.Time{actual, observed} {
				if !day.IsZero() && day.Year() >= from && day.Year() <= to {
					days[day.Format(time.DateOnly)] = h.Name
				}
			}
		}
	}
	version := strconv.Itoa(from)
	if to > from {
		version += "-" + strconv.Itoa(to)
	}
	_, err := fmt.Fprintf(w, "# %s, by the rules as they were known early in %d: look through the days, and mend\n# what has changed since.\ncalendar:\n  name: %s\n  version: %q\n  holidays:\n",
		countryOf(place), rulesOf, strings.ToLower(place), version)
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if err == nil {
			_, err = fmt.Fprintf(w, "    - %s # %s\n", day, days[day])
		}
	}
	return err
}
