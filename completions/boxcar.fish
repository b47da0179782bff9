# fish completion for boxcar; "boxcar completion --help" says where to put it.
function __boxcar_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --current-token --cut-at-cursor)
    for line in ($words[1] complete -- $words[2..] "$word" 2>/dev/null)
        switch $line
            case @files @tasks
                __fish_complete_path "$word"
            case @folders
                __fish_complete_directories "$word"
            case '*'
                echo $line
        end
    end
end

complete --command boxcar --no-files --arguments '(__boxcar_complete)'
