// What a test sees of a page. Nothing here changes the page.
window.watch = {
  it: null,

  link: (words) => [...document.querySelectorAll('a')].find((a) => a.textContent.trim() === words),
  to: (start) => [...document.querySelectorAll('main a, header a')].find((a) => a.getAttribute('href').split('?')[0] === start),

  // The link to a command's form, or its button, about what is known.
  step: (command, known) => [...document.querySelectorAll('a[href^="/do/"], form[action^="/do/"] button')].find((e) => {
    const at = new URL(e.form ? e.form.action : e.href);
    return at.pathname === '/do/' + command && [...at.searchParams].every(([k, v]) => k.startsWith('.') || !known[k] || known[k].includes(v));
  }),

  form: () => document.querySelector('main form[method]'),
  button: () => watch.form().querySelector('button'),
  controls: () => {
    const nth = {};
    return [...watch.form().elements].filter((e) => e.name && e.type !== 'hidden').map((e) => ({
      Name: e.name, Kind: e.type, Value: e.value, Nth: (nth[e.name] = (nth[e.name] ?? -1) + 1),
      Checked: !!e.checked, Closed: !!e.closest('details:not([open])'),
      Options: e.options ? [...e.options].map((o) => o.value) : [], Words: e.options ? [...e.options].map((o) => o.text) : [],
    }));
  },
  written: () => [...new FormData(watch.form())].filter(([name]) => !name.startsWith('.')),
  control: (i) => [...watch.form().elements].filter((e) => e.name && e.type !== 'hidden')[i],
  closed: (i) => watch.control(i).closest('details:not([open])')?.querySelector('summary'),

  // Where to click: on the first line of it, at the left of a field of several parts.
  spot: () => {
    const it = watch.it.labels?.length && /radio|checkbox/.test(watch.it.type) ? watch.it.labels[0] : watch.it;
    it.scrollIntoView({block: 'center'});
    const r = it.getClientRects()[0];
    const X = it.type === 'datetime-local' ? r.left + 14 : r.left + r.width / 2, Y = r.top + r.height / 2;
    const hit = document.elementFromPoint(X, Y);
    return {X, Y, Covered: it.contains(hit) ? '' : hit?.outerHTML ?? 'nothing'};
  },

  // How many stops of the keyboard it is from the focus: 0 where it has it.
  far: () => {
    const one = (a, b) => a === b || a?.type === 'radio' && b.type === 'radio' && a.name === b.name;
    const stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
      .filter((e) => e.matches('summary') || !e.closest('details:not([open])'))
      .filter((e, i, all) => !one(all[i - 1], e));
    const at = (it) => stops.findIndex((e) => one(e, it));
    return one(document.activeElement, watch.it) ? 0 : at(watch.it) - at(document.activeElement) || 1;
  },
  // How far the choice is from the one that has the focus.
  enter: () => {
    const all = [...watch.it.form.elements].filter((e) => e.name === watch.it.name);
    return all.indexOf(watch.it) - all.indexOf(document.activeElement);
  },

  // What a person who looks for the focus misses.
  unseen: () => {
    const e = document.activeElement, box = e.labels?.length && /radio|checkbox/.test(e.type) ? e.labels[0] : e;
    const ring = (s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none';
    const r = box.getBoundingClientRect();
    if (!e.matches(':focus-visible')) return 'the focus is not to be seen: ' + e.outerHTML;
    if (![e, ...(e.labels ?? [])].some((x) => ['', '::before'].some((part) => ring(getComputedStyle(x, part || null))))) return 'the focus has no ring: ' + e.outerHTML;
    if (r.bottom <= 0 || r.top >= innerHeight || r.right <= 0 || r.left >= innerWidth) return 'the focus is out of sight: ' + e.outerHTML;
    return '';
  },

  // What is wrong with a page as it lies there.
  faults: () => {
    const found = [], width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) {
      const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.db-scroll, .govuk-visually-hidden'));
      found.push('it scrolls sideways: ' + (wide.at(-1)?.outerHTML ?? '').slice(0, 300));
    }
    for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
      if (e.tabIndex < 0) found.push('the keyboard does not reach ' + e.outerHTML);
    }
    return found;
  },
};
