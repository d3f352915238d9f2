<?php

return [
    'summary' => [
        'title' => 'Summarise a page',
        'text' => 'Summarise the following page in {{ language }}, in {{ count }} sentences:',
        'model' => 'small',
    ],
    'review' => [
        'title' => 'Review a change',
        'text' => 'Review this change to {{ project }} and name what could break:',
        'model' => 'large',
    ],
    'translate' => [
        'title' => 'Translate a manual',
        'text' => 'Translate the manual of {{ product }} into {{ language }}, and keep the names:',
        'model' => 'large',
    ],
];
