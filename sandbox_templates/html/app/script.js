// The page's own behaviour goes here. It is loaded as a module, after the page is parsed.
