"""The resolution engine behind the doors `facts`, `index` and `callgraph`.

From one file to its constraints, without any table in sight (`facts.extract` is the door):

- `scopes`: names, nodes and sites of one file; the lists that its facts are collected in
- `doubles`: what `**` arguments can hold
- `expressions`, `call_expressions`, `annotations`, `definitions`: what each construct means as
  constraints
- `walk`: statements; `Walker` gives the facts of a module

From all files to what flows where (`callgraph.build` is the door, `index` holds the hierarchy):

- `values`: what can flow, interned as numbers, and where library instances come from
- `summaries`: what builtins and the standard library do with what they are given
- `flow`: nodes, copy edges and difference propagation
- `members`, `calls`: attributes; calls, iteration and `with`, for one value at a time
- `suggestions`: which annotations the code contradicts
- `pytest_flow`: what pytest does behind a test's back
- `hints`: what the user says a place holds
- `factories`: bases that a class method makes
- `fixpoint`: loads the facts of all files and propagates until nothing is new

From values to what the later steps read:

- `sites`: what every place reaches, by which protocol and how surely
- `escapes`: what leaves the analysis
- `certainty`, `surplus`: which values may miss others, and which are too many
- `keywords`: which keyword names can reach a call
- `foreign`: which receivers a library gave that cannot hold the project's objects
- `unresolved`: calls that nothing is known of, and the places that a hint would help
- `outside`: what classes outside the project define, read from their source
"""
