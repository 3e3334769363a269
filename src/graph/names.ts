/** The one authority for value and node names in a model: it never hands out the same name twice. */
export class Names {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /** Marks a name read from a file as taken; taking it again is harmless. */
  take(name: string): void {
    this.#taken.add(name);
  }

  /** Returns true if something has the name. */
  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Returns a name that starts with `hint` and that nothing else has. */
  fresh(hint: string): string {
    if (!this.#taken.has(hint)) {
      this.#taken.add(hint);
      return hint;
    }
    let n = this.#next.get(hint) ?? 1;
    while (this.#taken.has(`${hint}_${n}`)) n++;
    this.#next.set(hint, n + 1);
    const name = `${hint}_${n}`;
    this.#taken.add(name);
    return name;
  }
}
