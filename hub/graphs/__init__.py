"""What is drawn of series: which graphs there are, with which bounds and marks, and who draws them.

| module | says |
|---|---|
| `catalogue` | which graphs a component has, by templates and built in |
| `listing` | which graphs a device has |
| `subjects` | whose graph it is |
| `drawings` | a template's graph as the drawing that a collector is told |
| `bounds` | which lines stand for what is judged of a graph's points |
| `likely` | which of its curves have a band of what is likely |
| `happened` | which events are worth a mark |
| `history` | what happened |
| `kinds` | what kind of component it is |
| `finding` | which graph is meant |
| `desk` | what becomes of a wish for a picture |
| `drawers` | who draws it |
| `seats` | which daemons have what is in it |
| `several` | how what several collectors have comes into one picture |
| `wanting` | which points that takes |
| `gathering` | which figures that takes, and how they are asked for |
| `tables` | what the drawing process is given, and what it answers |
| `painter` | that process, as the hub sees it |
| `painting` | that process itself |
| `turns` | who draws when |
| `joined` | how all of these are put together |
"""
