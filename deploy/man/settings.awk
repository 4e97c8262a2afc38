# The text of `draved --help-config` as the end of draved.8.
function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text ~ /^[.']/ ? "\\&" text : text
}
/^[^ ]/ { print ".TP"; print "\\fB" roff($0) "\\fR" }
/^ / { sub(/^ +/, ""); print roff($0) }
