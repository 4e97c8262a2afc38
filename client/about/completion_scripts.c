/* The scripts that the shells load: client/about/completion.h. They only ask and show. */
#include <stddef.h>
#include <string.h>

#include "client/about/completion.h"

/* bash cuts words at = and :, so the line is cut at blanks again, and what bash thinks is there
 * already is taken off the answers. */
static const char bash[] =
    "# bash completion for drave: source <(drave completion bash)\n"
    "_drave() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} last=${COMP_WORDS[COMP_CWORD]} current prefix= word\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line != *[[:space:]] ]] || words+=(\"\")\n"
    "    current=${words[${#words[@]}-1]}\n"
    "    [[ $last != [=:] ]] || last=\n"
    "    [[ $current != *[=:]* ]] || prefix=${current%\"$last\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r word; do\n"
    "        word=${word%%$'\\t'*}\n"
    "        [[ $word != \"$current\"* ]] || COMPREPLY+=(\"${word#\"$prefix\"}\")\n"
    "    done < <(\"${COMP_WORDS[0]}\" completion words -- \"${words[@]:1}\" 2>/dev/null)\n"
    "    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null\n"
    "}\n"
    "complete -o default -F _drave drave\n";

static const char zsh[] =
    "#compdef drave\n"
    "# zsh completion for drave: source <(drave completion zsh), or as _drave in a folder of $fpath\n"
    "_drave() {\n"
    "    local line\n"
    "    local -a found names shown open opened\n"
    "    found=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    for line in $found; do\n"
    "        if [[ ${line%%$'\\t'*} == *= ]]; then\n"
    "            open+=(\"${line%%$'\\t'*}\") opened+=(\"${line/$'\\t'/  -- }\")\n"
    "        else\n"
    "            names+=(\"${line%%$'\\t'*}\") shown+=(\"${line/$'\\t'/  -- }\")\n"
    "        fi\n"
    "    done\n"
    "    if (( $#names + $#open == 0 )); then\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    (( $#names == 0 )) || compadd -l -d shown -a names\n"
    "    (( $#open == 0 )) || compadd -S '' -l -d opened -a open\n"
    "}\n"
    "if [[ ${funcstack[1]} == _drave ]]; then\n"
    "    _drave \"$@\"\n"
    "elif (( $+functions[compdef] )); then\n"
    "    compdef _drave drave\n"
    "fi\n";

static const char fish[] =
    "# fish completion for drave: drave completion fish | source\n"
    "function __drave_complete\n"
    "    set -l before (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    set -l found ($before[1] completion words -- $before[2..-1] \"$current\" 2>/dev/null)\n"
    "    if test (count $found) -gt 0\n"
    "        printf '%s\\n' $found\n"
    "    else\n"
    "        __fish_complete_path \"$current\"\n"
    "    end\n"
    "end\n"
    "complete -c drave -f -a '(__drave_complete)'\n";

const char *completion_script(const char *shell) {
    return strcmp(shell, "bash") == 0   ? bash
           : strcmp(shell, "zsh") == 0  ? zsh
           : strcmp(shell, "fish") == 0 ? fish
                                        : NULL;
}
