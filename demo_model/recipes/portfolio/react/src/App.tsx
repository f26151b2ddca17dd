import { About } from "./components/About";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Hero } from "./components/Hero";
import { Works } from "./components/Works";

export default function App() {
  return (
    <div id="top">
      <Header />
      <main>
        <Hero />
        <Works />
        <About />
      </main>
      <Footer />
    </div>
  );
}
