import { Enquiry } from "./components/Enquiry";
import { Footer } from "./components/Footer";
import { Header } from "./components/Header";
import { Hero } from "./components/Hero";
import { Offers } from "./components/Offers";
import { Steps } from "./components/Steps";
import { Story } from "./components/Story";
import { useShortlist } from "./useShortlist";

export default function App() {
  const shortlist = useShortlist();

  return (
    <div id="top">
      <Header />
      <main>
        <Hero />
        <Offers shortlist={shortlist} />
        <Steps />
        <Story />
        <Enquiry shortlist={shortlist} />
      </main>
      <Footer />
    </div>
  );
}
