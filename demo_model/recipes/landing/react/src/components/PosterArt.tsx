«include poster.tsx»
