const PICTURES = «copy.offers».map((offer) => offer.title);
const FILLS = ["var(--art-1)", "var(--art-2)", "var(--art-3)", "var(--art-4)"];

/** Six drawn pictures to replace with photographs. */
export function Gallery() {
  return (
    <section id="gallery" aria-labelledby="gallery-title" className="shell py-16 md:py-24">
      <h2 id="gallery-title" className="text-3xl leading-tight md:text-5xl">
        Gallery
      </h2>
      <ul className="mt-10 grid grid-cols-2 gap-4 md:grid-cols-3">
        {PICTURES.map((title, index) => (
          <li key={title}>
            <figure>
              <svg viewBox="0 0 300 240" className="w-full rounded-3xl" aria-hidden="true">
                <rect width="300" height="240" fill={FILLS[index % 4]} />
                <circle cx={80 + ((index * 47) % 150)} cy={70 + ((index * 31) % 50)} r={28 + ((index * 13) % 24)} fill={FILLS[(index + 1) % 4]} />
                <path d={`M0 ${170 - index * 6}q75-60 150 0t150 0v90H0z`} fill={FILLS[(index + 2) % 4]} />
                <path d={`M0 ${205 - index * 3}q75-40 150 0t150 0v60H0z`} fill={FILLS[(index + 3) % 4]} />
              </svg>
              <figcaption className="mt-2 text-sm text-muted">{title}</figcaption>
            </figure>
          </li>
        ))}
      </ul>
    </section>
  );
}
