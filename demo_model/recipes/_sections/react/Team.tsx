const PEOPLE = «copy.team»;
const GROUNDS = ["var(--art-1)", "var(--art-2)", "var(--art-3)", "var(--art-4)"];

export function Team() {
  return (
    <section id="team" aria-labelledby="team-title" className="shell py-16 md:py-24">
      <h2 id="team-title" className="text-3xl leading-tight md:text-5xl">
        The people
      </h2>
      <ul className="mt-10 grid grid-cols-2 gap-x-5 gap-y-8 lg:grid-cols-4">
        {PEOPLE.map((person, index) => (
          <li key={person.who}>
            <svg viewBox="0 0 200 220" className="w-full rounded-3xl" aria-hidden="true">
              <rect width="200" height="220" fill={GROUNDS[index % 4]} />
              <circle cx="100" cy="92" r="38" fill={GROUNDS[(index + 2) % 4]} />
              <path d="M26 220a74 74 0 0 1 148 0z" fill={GROUNDS[(index + 1) % 4]} />
            </svg>
            <h3 className="mt-4 text-lg">{person.who}</h3>
            <p className="text-muted">{person.role}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
