import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Stories } from "./components/Stories";
import { Story } from "./components/Story";
import { content } from "./content";
import { useHash } from "./useHash";

export default function App() {
  const hash = useHash();
  const index = content.posts.findIndex((_, at) => hash === `story-${at + 1}`);

  return (
    <div id="top">
      <Header />
      <main>
        {index >= 0 ? <Story key={index} index={index} /> : <Stories />}
      </main>
      <Footer />
    </div>
  );
}
