# fish completion of rcl: asks rcl itself. Load it with: rcl completions fish | source
function __rcl_complete_words
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] complete-words fish -- $words 2>/dev/null </dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        string match -rv '^$' -- $found
    end
end
complete -c rcl -f -a '(__rcl_complete_words)'
